import type { Values } from "./math.ts";

/** dWeight [O, I] = dyᵀ · x for dy [rows, O], x [rows, I] */
export function linearBackwardWeight(
  rows: number,
  inFeatures: number,
  outFeatures: number,
  dy: Values,
  x: Values,
): Float64Array {
  const dWeight = new Float64Array(outFeatures * inFeatures);
  for (let o = 0; o < outFeatures; o++) {
    for (let i = 0; i < inFeatures; i++) {
      let sum = 0;
      for (let r = 0; r < rows; r++) sum += dy[r * outFeatures + o]! * x[r * inFeatures + i]!;
      dWeight[o * inFeatures + i] = sum;
    }
  }
  return dWeight;
}
