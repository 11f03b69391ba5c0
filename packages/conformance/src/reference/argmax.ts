import type { Values } from "./math.ts";

/** For logits [B, V]: the lowest index among the largest of each row. A NaN counts as larger than every number. */
export function argmax(batch: number, vocabSize: number, logits: Values): Int32Array {
  const best = new Int32Array(batch);
  for (let b = 0; b < batch; b++) {
    for (let v = 1; v < vocabSize; v++) {
      const held = logits[b * vocabSize + best[b]!]!;
      const next = logits[b * vocabSize + v]!;
      if (next > held || (Number.isNaN(next) && !Number.isNaN(held))) best[b] = v;
    }
  }
  return best;
}
