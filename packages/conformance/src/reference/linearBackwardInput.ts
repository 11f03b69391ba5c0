import type { Values } from "./math.ts";

/** dx = dy · weight for dy [rows, O], weight [O, I] */
export function linearBackwardInput(
  rows: number,
  inFeatures: number,
  outFeatures: number,
  dy: Values,
  weight: Values,
): Float64Array {
  const dx = new Float64Array(rows * inFeatures);
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < inFeatures; i++) {
      let sum = 0;
      for (let o = 0; o < outFeatures; o++) sum += dy[r * outFeatures + o]! * weight[o * inFeatures + i]!;
      dx[r * inFeatures + i] = sum;
    }
  }
  return dx;
}
