import type { SampleRow } from "@mamba/kernel";
import { rowOf } from "../../src/cases/sampling.ts";
import { sampleProbabilities } from "../../src/cases/distribution.ts";
import type { ArenaTensor } from "../arena.ts";
import { type Op, sample } from "../referenceOps.ts";
import { type Fault, fault } from "./fault.ts";

type Args = Parameters<Op<"sample">>[2];

/** A kernel that computes on other arguments than it was given. */
const changedArgs = (name: string, change: (args: Args) => Args, seenBy = /^sample /): Fault =>
  fault(
    "sample",
    `sample: ${name}`,
    (arena, sizes, args, want) => sample(arena, sizes, change(args), want),
    seenBy,
  );

const changedRows = (
  name: string,
  change: (row: SampleRow, b: number, rows: readonly SampleRow[]) => SampleRow,
  seenBy?: RegExp,
): Fault =>
  changedArgs(
    name,
    (args) => ({ ...args, rows: args.rows.map((row, b) => change(row, b, args.rows)) }),
    seenBy,
  );

/** A kernel that changes its results before it returns them. */
const changedResult = (
  name: string,
  change: (results: ReturnType<typeof sample>, args: Args) => void,
  seenBy = /^sample /,
): Fault =>
  fault(
    "sample",
    `sample: ${name}`,
    (arena, sizes, args, want) => {
      const results = sample(arena, sizes, args, want);
      change(results, args);
      return results;
    },
    seenBy,
  );

export const sampleFaults = [
  changedRows("ignores topK", (row) => ({ ...row, topK: undefined })),
  changedRows("ignores topP", (row) => ({ ...row, topP: undefined })),
  changedRows("ignores minP", (row) => ({ ...row, minP: undefined })),
  changedRows("ignores the temperature", (row) => ({ ...row, temperature: row.temperature && 1 })),
  changedRows("ignores the penalty", (row) => ({ ...row, repetitionPenalty: 1 })),
  changedRows(
    "uses the first row's uniform for all",
    (row, _, [first = row]) => ({ ...row, uniform: first.uniform }),
    /^laws: sample follows/,
  ),
  changedRows(
    "uses the first row's filters for all",
    (row, _, [first = row]) => ({ ...first, uniform: row.uniform, repetitionPenalty: row.repetitionPenalty }),
    /^laws: sample follows.*in one call/,
  ),
  changedRows("uses the first row's penalty for all", (row, _, [first = row]) => {
    return { ...row, repetitionPenalty: first.repetitionPenalty };
  }),
  changedRows("samples greedy rows", (row) => (row.temperature === 0 ? { ...row, temperature: 1 } : row)),
  changedArgs("ignores seen", (args) => ({ ...args, seen: undefined })),
  changedArgs("ignores add", (args) => ({ ...args, add: undefined })),
  changedArgs("ignores allow", (args) => ({ ...args, allow: undefined })),
  fault(
    "sample",
    "sample: the penalty once for each repeat",
    (arena, sizes, args, want) => {
      const { batch, vocabSize: V } = sizes;
      const data = Float32Array.from(args.logits.values());
      args.rows.forEach(({ repetitionPenalty: p = 1 }, b) => {
        const seen = rowOf(args.seen?.values(), batch, b);
        seen.forEach((id, k) => {
          if (!seen.slice(0, k).includes(id) || id < 0 || id >= V) return;
          const logit = data[b * V + id] ?? 0;
          data[b * V + id] = logit > 0 ? logit / p : logit * p;
        });
      });
      using logits = arena.result([batch, V], data);
      return sample(arena, sizes, { ...args, logits }, want);
    },
    /^sample .*counts once/,
  ),
  fault(
    "sample",
    "sample: only the last value of an id that occurs several times",
    (arena, sizes, args, want) => {
      const { add } = args;
      if (!add) return sample(arena, sizes, args, want);
      const { batch } = sizes;
      const kept = Array.from({ length: batch }, (_, b) => {
        const ids = rowOf(add.ids.values(), batch, b);
        return ids.map((id, k) => (ids.lastIndexOf(id) === k ? id : -1));
      });
      using ids = arena.result(add.ids.shape, kept.flat(), "i32");
      return sample(arena, sizes, { ...args, add: { ids, values: add.values } }, want);
    },
    /^sample .*add up/,
  ),
  fault(
    "sample",
    "sample: the last of equal logits",
    (arena, sizes, args, want) => {
      const results = sample(arena, sizes, args, want);
      const { ids } = results as { ids: ArenaTensor };
      args.rows.forEach(({ temperature }, b) => {
        const row = rowOf(args.logits.values(), sizes.batch, b);
        const id = ids.elements[b] ?? -1;
        if (temperature === 0 && id >= 0) ids.elements[b] = row.lastIndexOf(row[id] ?? NaN);
      });
      return results;
    },
    /^sample .*ties/,
  ),
  fault(
    "sample",
    "sample: skips NaN",
    (arena, sizes, args, want) => {
      const numbers = args.logits.values().map((x) => (Number.isNaN(x) ? -Infinity : x));
      using logits = arena.result(args.logits.shape, numbers);
      return sample(arena, sizes, { ...args, logits }, want);
    },
    /^sample .*NaN/,
  ),
  fault(
    "sample",
    "sample: skips the NaN of an id that is not allowed",
    (arena, sizes, args, want) => {
      const { batch } = sizes;
      const numbers = Array.from({ length: batch }, (_, b) => {
        const words = rowOf(args.allow?.values(), batch, b);
        const isAllowed = (v: number) => !args.allow || (((words[v >> 5] ?? 0) >>> (v % 32)) & 1) === 1;
        return rowOf(args.logits.values(), batch, b).map((x, v) => (isAllowed(v) ? x : -Infinity));
      });
      using logits = arena.result(args.logits.shape, numbers.flat());
      return sample(arena, sizes, { ...args, logits }, want);
    },
    /^sample .*not allowed/,
  ),
  changedResult(
    "gives id 0 where nothing can be chosen",
    ({ ids }) => {
      const { elements } = ids as ArenaTensor;
      for (let b = 0; b < (ids.shape[0] ?? 0); b++) elements[b] = Math.max(elements[b] ?? 0, 0);
    },
    /^sample .*nothing/,
  ),
  fault(
    "sample",
    "sample: log-probabilities after the adjustments",
    (arena, sizes, args, want) => {
      if (!want || !args.add) return sample(arena, sizes, args, want);
      const { batch, vocabSize: V } = sizes;
      const { ids, values } = args.add;
      const data = Float32Array.from(args.logits.values());
      for (let b = 0; b < batch; b++) {
        rowOf(ids.values(), batch, b).forEach((id, k) => {
          if (id >= 0 && id < V)
            data[b * V + id] = (data[b * V + id] ?? 0) + (rowOf(values.values(), batch, b)[k] ?? 0);
        });
      }
      using logits = arena.result([batch, V], data);
      return sample(arena, sizes, { ...args, logits, add: undefined }, want);
    },
    /^sample .*add.* logProbs/,
  ),
  changedResult(
    "the log-probability of the most probable id instead of the chosen one",
    ({ logProb, topLogProbs }, { rows }) => {
      if (!logProb || !topLogProbs) return;
      const top = topLogProbs as ArenaTensor;
      const K = top.shape[1] ?? 0;
      rows.forEach((_, b) => (logProb as ArenaTensor).elements.set([top.elements[b * K] ?? NaN], b));
    },
    /^sample .* logProbs/,
  ),
  changedResult(
    "the highest of equal ids first",
    ({ topIds, topLogProbs }) => {
      if (!topIds || !topLogProbs) return;
      const [ids, values] = [(topIds as ArenaTensor).elements, (topLogProbs as ArenaTensor).values()];
      values.forEach((p, i) => {
        if (p === values[i + 1]) ids.set([ids[i + 1] ?? 0, ids[i] ?? 0], i);
      });
    },
    /^sample .*ties: the lowest ids/,
  ),
  fault(
    "sample",
    "sample: topP of all the mass",
    (arena, sizes, args, want) => {
      const rows = args.rows.map((options, b) => {
        const { topK, topP, temperature } = options;
        if (topK === undefined || topP === undefined || temperature === 0) return options;
        // Instead of the mass that topK leaves.
        const row = rowOf(args.logits.values(), sizes.batch, b);
        if (row.some((logit) => !(logit < Infinity))) return options;
        const all = sampleProbabilities(row, { temperature });
        const kept = sampleProbabilities(row, { temperature, topK });
        const mass = kept.reduce((sum, p, v) => sum + (p > 0 ? (all[v] ?? 0) : 0), 0);
        return { ...options, topP: Math.min(1, topP / mass) };
      });
      return sample(arena, sizes, { ...args, rows }, want);
    },
    /^sample .*topK left/,
  ),
  changedResult(
    "falls off the end",
    ({ ids }, { rows, logits }) => {
      // Rounding leaves the sum of the probabilities below the uniform, and no token is found.
      rows.forEach(({ uniform }, b) => {
        if (Math.fround(uniform) === 1) (ids as ArenaTensor).elements.set([(logits.shape[1] ?? 0) - 1], b);
      });
    },
    /^sample .*just below 1/,
  ),
];
