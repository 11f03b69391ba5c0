import type { Values } from "./math.ts";

/** [1]: the sum of x² over all elements of all tensors */
export function sumOfSquares(tensors: readonly Values[]): Float64Array {
  let sum = 0;
  for (const x of tensors) for (let i = 0; i < x.length; i++) sum += x[i]! ** 2;
  return Float64Array.of(sum);
}
