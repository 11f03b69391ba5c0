import type { Values } from "./math.ts";

/** dWeight [V, D]: row ids[i], clamped to [0, V) as in the forward, gets row i of dy [ids, D]; equal ids add up. */
export function embeddingBackward(
  vocabSize: number,
  features: number,
  dy: Values,
  ids: Values,
): Float64Array {
  const dWeight = new Float64Array(vocabSize * features);
  for (let i = 0; i < ids.length; i++) {
    const id = Math.min(Math.max(ids[i]!, 0), vocabSize - 1);
    for (let d = 0; d < features; d++) {
      const k = id * features + d;
      dWeight[k]! += dy[i * features + d]!;
    }
  }
  return dWeight;
}
