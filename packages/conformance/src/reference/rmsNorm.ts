import type { Values } from "./math.ts";

/** y = x / sqrt(mean(x²) + eps) * weight over the last axis of x [rows, D] */
export function rmsNorm(
  rows: number,
  features: number,
  x: Values,
  weight: Values | undefined,
  eps: number,
): Float64Array {
  const y = new Float64Array(rows * features);
  for (let r = 0; r < rows; r++) {
    let squares = 0;
    for (let d = 0; d < features; d++) squares += x[r * features + d]! ** 2;
    const norm = Math.sqrt(squares / features + eps);
    for (let d = 0; d < features; d++) {
      y[r * features + d] = (x[r * features + d]! / norm) * (weight?.[d] ?? 1);
    }
  }
  return y;
}
