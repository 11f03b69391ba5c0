import type { SampleOptions } from "@mamba/kernel";
import { sampleProbabilities } from "../../src/cases/distribution.ts";
import type { ArenaTensor } from "../arena.ts";
import { sample } from "../referenceOps.ts";
import { type Fault, fault } from "./fault.ts";

const changed = (
  name: string,
  change: (options: SampleOptions) => SampleOptions,
  seenBy = /^sample /,
): Fault =>
  fault(
    "sample",
    `sample: ${name}`,
    (arena, sizes, logits, options) => sample(arena, sizes, logits, change(options)),
    seenBy,
  );

export const sampleFaults = [
  changed("ignores topK", (options) => ({ ...options, topK: undefined })),
  changed("ignores topP", (options) => ({ ...options, topP: undefined })),
  changed("ignores minP", (options) => ({ ...options, minP: undefined })),
  changed("ignores the temperature", (options) => ({ ...options, temperature: 1 })),
  changed(
    "uses the first row's uniform for all",
    (options) => ({ ...options, uniforms: options.uniforms.map(() => options.uniforms[0] ?? 0) }),
    /^laws: sample follows/,
  ),
  fault(
    "sample",
    "sample: topP of all the mass",
    (arena, sizes, logits, options) => {
      const { topK, topP, temperature } = options;
      if (topK === undefined || topP === undefined) return sample(arena, sizes, logits, options);
      // Instead of the mass that topK leaves.
      const row = logits.values().subarray(0, sizes.vocabSize);
      const all = sampleProbabilities(row, { temperature });
      const kept = sampleProbabilities(row, { temperature, topK });
      const mass = kept?.reduce((sum, p, v) => sum + (p > 0 ? (all?.[v] ?? 0) : 0), 0) ?? 1;
      return sample(arena, sizes, logits, { ...options, topP: Math.min(1, topP / mass) });
    },
    /^sample .*topK left/,
  ),
  fault(
    "sample",
    "sample: falls off the end",
    (arena, sizes, logits, options) => {
      const ids = sample(arena, sizes, logits, options) as ArenaTensor;
      // Rounding leaves the sum of the probabilities below the uniform, and no token is found.
      options.uniforms.forEach((u, b) => {
        if (Math.fround(u) === 1) ids.elements.set([sizes.vocabSize - 1], b);
      });
      return ids;
    },
    /^sample .*just below 1/,
  ),
];
