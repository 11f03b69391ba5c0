import type { Values } from "./math.ts";

/**
 * The mean of -log softmax(logits)[target] over the rows of logits [M, V] whose target is not `ignoreIndex`; NaN when one of
 * them is outside of [0, V).
 */
export function crossEntropy(
  rows: number,
  vocabSize: number,
  logits: Values,
  targets: Values,
  ignoreIndex = -100,
): Float64Array {
  return crossEntropyWithGradient(rows, vocabSize, logits, targets, ignoreIndex).loss;
}

/**
 * `loss` [1] and its gradient [M, V], (softmax(logits) - onehot(target)) / count; 0 where the target is ignored, NaN where
 * it is outside of [0, V).
 */
export function crossEntropyWithGradient(
  rows: number,
  vocabSize: number,
  logits: Values,
  targets: Values,
  ignoreIndex = -100,
): { loss: Float64Array; dLogits: Float64Array } {
  const dLogits = new Float64Array(rows * vocabSize);
  let count = 0;
  for (let r = 0; r < rows; r++) if (targets[r] !== ignoreIndex) count++;
  let loss = 0;
  for (let r = 0; r < rows; r++) {
    const target = targets[r]!;
    if (target === ignoreIndex) continue;
    if (target < 0 || target >= vocabSize) {
      loss = NaN;
      dLogits.fill(NaN, r * vocabSize, (r + 1) * vocabSize);
      continue;
    }
    let largest = -Infinity;
    for (let v = 0; v < vocabSize; v++) largest = Math.max(largest, logits[r * vocabSize + v]!);
    let sum = 0;
    for (let v = 0; v < vocabSize; v++) sum += Math.exp(logits[r * vocabSize + v]! - largest);
    loss += Math.log(sum) + (largest - logits[r * vocabSize + target]!);
    for (let v = 0; v < vocabSize; v++) {
      const p = Math.exp(logits[r * vocabSize + v]! - largest) / sum;
      dLogits[r * vocabSize + v] = (p - (v === target ? 1 : 0)) / count;
    }
  }
  return { loss: Float64Array.of(count > 0 ? loss / count : 0), dLogits };
}
