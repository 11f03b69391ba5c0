import type { SampleOptions } from "@mamba/kernel";
import { defineCase, floats, type OpCase } from "../case.ts";
import { asView, bytesOf, cycled, result } from "../cases/inputs.ts";
import {
  clearFilters,
  clearOf,
  cumulative,
  type SampleFilters,
  sampleProbabilities,
} from "../cases/distribution.ts";
import type { Values } from "../math.ts";
import { B, defineOp, f32, manyRows } from "../opSuite.ts";
import { Random } from "../random.ts";
import { argmax } from "./argmax.ts";

/** logits [B, V] -> [B]: the first id at which the cumulative probability exceeds the row's uniform. */
function reference(batch: number, vocabSize: number, logits: Values, options: SampleOptions): Int32Array {
  const chosen = argmax.reference(batch, vocabSize, logits);
  for (let b = 0; b < batch; b++) {
    const row = Array.from({ length: vocabSize }, (_, v) => logits[b * vocabSize + v]!);
    const p = sampleProbabilities(row, options);
    if (p === undefined) continue;
    let sum = 0;
    for (let v = 0; v < vocabSize; v++) {
      if (p[v]! > 0) chosen[b] = v;
      sum += p[v]!;
      if (sum > options.uniforms[b]!) break;
    }
  }
  return chosen;
}

interface Options {
  note?: string;
  view?: boolean;
  deviation?: number;
  edit?: (logits: Float32Array) => void;
  /** Instead of random ones, for draws that no rounding can change. */
  uniforms?: readonly number[];
}

function build(B: number, V: number, filters: SampleFilters, options: Options = {}): OpCase {
  const { note = "", view = false, deviation = 2, edit, uniforms } = options;
  const set = Object.entries(filters).map(([name, value]) => `${name} ${value}`);
  const label = `B${B} V${V} ${set.join(" ")}${view ? " of a view" : ""}${note}`;
  /** Draws the logits. The random numbers after them are the uniforms. */
  const draw = () => {
    const random = new Random(`sample ${label}`);
    const data = random.normals(B * V, deviation);
    edit?.(data);
    return { random, data };
  };
  /** Draws options that keep away from the edges of the distribution of the logits. */
  const drawOptions = (): SampleOptions => {
    const { random, data } = draw();
    const rows = Array.from({ length: B }, (_, b) => data.slice(b * V, (b + 1) * V));
    const clear = clearFilters(rows, filters);
    const draws = rows.map((row, b) => {
      const p = sampleProbabilities(row, clear);
      const u = uniforms?.[b] ?? random.uniform();
      return p === undefined || uniforms !== undefined ? u : clearOf(u, [0, ...cumulative(p)]);
    });
    return { ...clear, uniforms: draws };
  };
  let drawn: SampleOptions | undefined;
  const sampleOptions = (): SampleOptions => (drawn ??= drawOptions());
  return defineCase({
    op: "sample",
    label,
    sizes: { B, V },
    cost: { flops: B * V, bytes: bytesOf(B * V) + bytesOf(B, "i32") },
    inputs: () => {
      const input = floats(draw().data, [B, V]);
      return { logits: view ? asView(input) : input };
    },
    run: (kernel, t) => {
      const options = sampleOptions();
      // The laws of equal bits pass some of the rows.
      const [rows] = t.logits.shape;
      const uniforms = options.uniforms.slice(0, rows);
      return { ids: kernel.sample(t.logits, { ...options, uniforms }) };
    },
    reference: (v) => ({ ids: result([B], reference(B, V, v.logits, sampleOptions())) }),
  });
}

const largest = 1 - 2 ** -53;

/** The filters of the distribution laws. */
export const distributionFilters: SampleFilters[] = [
  { temperature: 1 },
  { temperature: 0.5 },
  { temperature: 1, topK: 3 },
  { temperature: 2, topP: 0.7 },
  { temperature: 1, minP: 0.15 },
];

export const sample = defineOp("sample", {
  reference,
  cases: [
    ...[1, 3, 5, 17, 33, 129, 513].map((V, i) => build((i % 3) + 1, V, { temperature: 1 })),
    build(2, 2049, { temperature: 1 }, { deviation: 4 }),
    build(1, 50_280, { temperature: 1 }, { deviation: 5, note: ", a real vocabulary" }),
    build(1, 50_280, { temperature: 0.8, topK: 40, topP: 0.9 }, { note: ", a real vocabulary" }),
    build(9, 33, { temperature: 0.1 }),
    build(9, 33, { temperature: 2.5 }),
    build(5, 33, { temperature: 1 }, { view: true }),
    build(5, 33, { temperature: 1, topK: 1 }),
    build(5, 33, { temperature: 0.7, topK: 5 }),
    build(3, 33, { temperature: 1, topK: 100 }, { note: ", more than there are" }),
    build(4, 33, { temperature: 1, topP: 0.5 }),
    build(4, 33, { temperature: 1.5, topP: 0.9 }),
    build(4, 33, { temperature: 1, topP: 1 }),
    build(3, 33, { temperature: 1, topP: 1e-6 }, { note: ", only the most probable" }),
    build(4, 33, { temperature: 1, minP: 0.2 }),
    build(4, 33, { temperature: 1, minP: 0 }),
    build(4, 33, { temperature: 1, minP: 1 }),
    build(9, 65, { temperature: 1, topK: 8, topP: 0.8 }, { note: ", topP of what topK left" }),
    build(9, 65, { temperature: 1.3, topK: 20, topP: 0.9, minP: 0.1 }),
    build(
      9,
      42,
      { temperature: 1, topP: 0.95, minP: 0.1 },
      {
        note: ", minP leaving less than topP",
        edit: (logits) => {
          logits.forEach((_, i) => (logits[i] = [10.75, 10.5][i % 42] ?? 7));
        },
      },
    ),
    build(
      9,
      12,
      { temperature: 1, topK: 3 },
      {
        note: ", ties at the k-th",
        edit: (logits) => {
          logits.forEach((_, i) => (logits[i] = cycled([3, 1, 2, 2, 2, 0], i)));
        },
      },
    ),
    build(
      9,
      12,
      { temperature: 1, topP: 0.5 },
      {
        note: ", ties at the last of the nucleus",
        edit: (logits) => {
          logits.forEach((_, i) => (logits[i] = cycled([1, 2, 0, 1], i)));
        },
      },
    ),
    build(
      7,
      9,
      { temperature: 1, minP: 1 },
      {
        note: ", ties of the largest",
        edit: (logits) => {
          for (let b = 0; b < 7; b++) logits[b * 9 + 2] = logits[b * 9 + 6] = 7;
        },
      },
    ),
    build(
      9,
      17,
      { temperature: 1 },
      {
        note: ", NaN has probability 0",
        edit: (logits) => {
          for (let b = 0; b < 9; b++) logits[b * 17 + b] = NaN;
        },
      },
    ),
    build(
      6,
      17,
      { temperature: 1, topK: 2 },
      {
        note: ", NaN is not among the k largest",
        edit: (logits) => {
          for (let b = 0; b < 6; b++) logits[b * 17 + 2 * b] = NaN;
        },
      },
    ),
    build(
      4,
      17,
      { temperature: 1, topK: 3, topP: 0.9 },
      {
        note: ", rows without a finite logit give their argmax",
        edit: (logits) => {
          logits.fill(-Infinity, 0, 34);
          logits[17 + 5] = logits[17 + 9] = NaN;
        },
      },
    ),
    build(
      5,
      17,
      { temperature: 1 },
      {
        note: ", one finite logit",
        edit: (logits) => {
          logits.fill(-Infinity);
          for (let b = 0; b < 5; b++) logits[b * 17 + 4 * b] = -3;
        },
      },
    ),
    build(
      3,
      17,
      { temperature: 0.5 },
      {
        note: ", large logits",
        edit: (logits) => {
          logits.forEach((logit, i) => (logits[i] = logit + 1e4));
        },
      },
    ),
    build(
      4,
      17,
      { temperature: 1, topK: 4 },
      {
        note: ", uniforms 0 and just below 1",
        uniforms: [0, largest, 0, largest],
        // The last id kept is then not the last there is.
        edit: (logits) => {
          for (let b = 0; b < 4; b++) logits.fill(-10, b * 17 + 14, b * 17 + 17);
        },
      },
    ),
  ],
  benchmarks: [
    build(1, 50_280, { temperature: 1 }, { uniforms: [0.5] }),
    build(1, 50_280, { temperature: 0.8, topK: 40, topP: 0.95 }, { uniforms: [0.5] }),
  ],
  minimal: {
    args: { logits: f32(B, 7) },
    call: (k, t) => [k.sample(t.logits, { temperature: 1, uniforms: [0.25, 0.75] })],
  },
  rows: {
    arguments: ["logits"],
    // Equal uniforms, because the options are those of all rows.
    many: [{ temperature: 0.8 }, { temperature: 0.8, topK: 40, topP: 0.9 }].map((filters) =>
      build(manyRows, 2049, filters, { uniforms: new Array<number>(manyRows).fill(0.6) }),
    ),
  },
  outOfRange: (kernel, scope) => {
    const x = scope.use(kernel.zeros([2, 5], "f32"));
    const draw = (options: Partial<SampleOptions>) => () =>
      kernel.sample(x, { temperature: 1, uniforms: [0, 0.5], ...options });
    return [
      ["temperature 0", draw({ temperature: 0 })],
      ["temperature NaN", draw({ temperature: NaN })],
      ["topK 0", draw({ topK: 0 })],
      ["topK 1.5", draw({ topK: 1.5 })],
      ["topP 0", draw({ topP: 0 })],
      ["topP above 1", draw({ topP: 1.1 })],
      ["minP negative", draw({ minP: -0.1 })],
      ["a uniform of 1", draw({ uniforms: [0, 1] })],
      ["a uniform too few", draw({ uniforms: [0] })],
      ["a uniform NaN", draw({ uniforms: [0, NaN] })],
    ];
  },
});
