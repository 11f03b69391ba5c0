import type { Values } from "./math.ts";

/** logits [B, V], ids [B, K]: each distinct id of a row once, `l > 0 ? l / penalty : l * penalty` */
export function repetitionPenalty(
  batch: number,
  vocabSize: number,
  idCount: number,
  logits: Values,
  ids: Values,
  penalty: number,
): Float64Array {
  const y = Float64Array.from(logits);
  for (let b = 0; b < batch; b++) {
    const distinct = new Set(Array.from({ length: idCount }, (_, k) => ids[b * idCount + k]!));
    for (const id of distinct) {
      if (id < 0 || id >= vocabSize) continue;
      const i = b * vocabSize + id;
      y[i] = y[i]! > 0 ? y[i]! / penalty : y[i]! * penalty;
    }
  }
  return y;
}
