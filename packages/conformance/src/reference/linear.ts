import type { Values } from "./math.ts";

/** y = x · weightᵀ + bias for x [rows, I], weight [O, I], bias [O] */
export function linear(
  rows: number,
  inFeatures: number,
  outFeatures: number,
  x: Values,
  weight: Values,
  bias?: Values,
): Float64Array {
  const y = new Float64Array(rows * outFeatures);
  for (let r = 0; r < rows; r++) {
    for (let o = 0; o < outFeatures; o++) {
      let sum = bias?.[o] ?? 0;
      for (let i = 0; i < inFeatures; i++) sum += x[r * inFeatures + i]! * weight[o * inFeatures + i]!;
      y[r * outFeatures + o] = sum;
    }
  }
  return y;
}
