import type { Values } from "./math.ts";

/** Row ids[i], clamped to [0, V), of weight [V, D] */
export function embedding(vocabSize: number, features: number, ids: Values, weight: Values): Float64Array {
  const y = new Float64Array(ids.length * features);
  for (let i = 0; i < ids.length; i++) {
    const id = Math.min(Math.max(ids[i]!, 0), vocabSize - 1);
    for (let d = 0; d < features; d++) y[i * features + d] = weight[id * features + d]!;
  }
  return y;
}
