import { expect, test } from "vitest";
import {
  attention,
  Decoder,
  type GenerationState,
  type HybridLMConfigInput,
  loadState,
  saveState,
} from "../src/index.ts";
import { uniformAt } from "../src/random.ts";
import { hybrid } from "./historyMean.ts";
import { lively, someIds, withModel } from "./support.ts";

// Sequences join, end, are removed, aborted, forked, saved and restored at random, also while a step is in progress, and the
// memory must be where it was. `pnpm soak` sets the number of joins.
const joins = Number(process.env["MAMBA_SOAK_JOINS"] ?? 300);
const tiny = { ...lively, dModel: 4, nLayers: 1, vocabSize: 11, dState: 2, dtRank: 1 } as const;

const attending = attention({ dModel: 4, heads: 2, kvHeads: 1, nLayers: 1, initializerRange: 0.5 });
const growing: HybridLMConfigInput = { ...hybrid, dModel: 4, vocabSize: 11, layers: [{ mixer: attending }] };

test.each([
  ["Mamba", tiny],
  ["attention", growing],
])(
  `${joins} joins, leaves and aborts with %s leave the memory where it was`,
  { timeout: 60_000 + joins * 3 },
  async (_, config) => {
    await withModel(async (model, kernel) => {
      using decoder = new Decoder(model, { capacity: 6, chunkLength: 4 });
      let draws = 0;
      const below = (count: number) => Math.floor(uniformAt(1, draws++) * count);
      const counts = { joins: 0, removed: 0, failed: 0, ended: 0 };
      const endings = () => counts.removed + counts.failed + counts.ended;
      const remove = (index: number) => {
        const sequence = decoder.sequences[index];
        if (!sequence) return;
        if (sequence.status !== "ended") counts.removed++;
        decoder.remove(sequence);
      };
      const add = (state?: GenerationState) => {
        if (decoder.free === 0) return;
        counts.joins++;
        const kind = below(16);
        const aborted = kind === 0 ? AbortSignal.abort(new Error("enough")) : undefined;
        decoder.add(state ?? someIds(1 + below(7), counts.joins, tiny.vocabSize), {
          maxTokens: below(4),
          temperature: below(2),
          ...(aborted && { signal: aborted }),
          ...(kind === 1 && { checkpoints: { everyTokens: 1, keep: 2 } }),
          ...(kind === 2 && { allow: () => ({ ids: [] }) }),
          ...(kind === 3 && { processLogits: (logits: Float32Array) => void (logits[0] = NaN) }),
          ...(kind === 4 && { repetitionPenalty: 1.5, frequencyPenalty: 0.5, logProbs: 2 }),
        });
      };
      const drain = async () => {
        while (decoder.sequences.length > 0) {
          const { tokens, failed } = await decoder.step();
          counts.ended += tokens.filter(({ finish }) => finish).length;
          counts.failed += failed.length;
          for (const sequence of decoder.sequences) if (sequence.status === "ended") decoder.remove(sequence);
        }
      };
      // Once through everything, for what stays: the view of the rows that run.
      add();
      await drain();
      const before = kernel.memory();

      while (counts.joins < joins) {
        while (decoder.free > 0 && below(4) > 0) add();
        const first = decoder.sequences[0];
        if (first && below(64) === 0) {
          using copy = decoder.snapshot(first);
          using restored = below(8) === 0 ? await loadState(model, await saveState(copy)) : copy.clone();
          if (below(4) === 0) restored.truncate(1);
          add(restored);
        }
        const step = decoder.step();
        if (below(8) === 0) remove(below(6));
        if (below(8) === 0) add();
        const { tokens, failed } = await step;
        counts.ended += tokens.filter(({ finish }) => finish).length;
        counts.failed += failed.length;
        if (below(8) === 0) remove(below(6));
      }
      await drain();
      const after = kernel.memory();
      expect(after.bytes).toBe(before.bytes);
      expect(after.tensors).toBe(before.tensors);
      expect(endings()).toBeGreaterThan(joins / 2);
      expect(Math.min(counts.removed, counts.failed, counts.ended)).toBeGreaterThan(joins / 100);
    }, config);
  },
);
