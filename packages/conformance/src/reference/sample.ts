import type { SampleOptions } from "@mamba/kernel";
import { argmax } from "./argmax.ts";
import type { Values } from "./math.ts";

/** The filters of `SampleOptions` without the randomness. */
export type SampleFilters = Omit<SampleOptions, "uniforms">;

/**
 * Probabilities of one row of logits after temperature and filters. Each filter sees what the one before it left,
 * renormalised: topP is a share of the mass that survives topK. NaN logits have probability 0. `undefined` when the
 * row has no finite logit.
 */
export function sampleProbabilities(row: Values, filters: SampleFilters): Float64Array | undefined {
  const { temperature, topK, topP, minP } = filters;
  const logits = Float64Array.from(row, (logit) => (Number.isNaN(logit) ? -Infinity : logit / temperature));
  if (!logits.some(Number.isFinite)) return undefined;
  const largest = logits.reduce((a, b) => Math.max(a, b));
  let p = normalised(logits.map((logit) => Math.exp(logit - largest)));
  if (topK !== undefined && topK < p.length) {
    const kth = [...logits].sort((a, b) => b - a)[topK - 1]!;
    p = normalised(p.map((mass, v) => (logits[v]! >= kth ? mass : 0)));
  }
  if (topP !== undefined && topP < 1) {
    const last = lastOfNucleus(p, topP);
    p = normalised(p.map((mass) => (mass >= last ? mass : 0)));
  }
  if (minP !== undefined && minP > 0) {
    const floor = minP * p.reduce((a, b) => Math.max(a, b));
    p = normalised(p.map((mass) => (mass >= floor ? mass : 0)));
  }
  return p;
}

/** The probability of the last token of the smallest set of most probable tokens whose mass reaches `topP`. */
function lastOfNucleus(p: Float64Array, topP: number): number {
  let mass = 0;
  for (const next of [...p].sort((a, b) => b - a)) {
    mass += next;
    if (mass >= topP) return next;
  }
  return 0;
}

function normalised(p: Float64Array): Float64Array {
  const total = p.reduce((a, b) => a + b);
  return p.map((mass) => mass / total);
}

/** logits [B, V] -> [B]: the first id at which the cumulative probability exceeds the row's uniform. */
export function sample(batch: number, vocabSize: number, logits: Values, options: SampleOptions): Int32Array {
  const chosen = argmax(batch, vocabSize, logits);
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
