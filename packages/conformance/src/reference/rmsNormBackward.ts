import type { Values } from "./math.ts";

/**
 * With n = x / norm, norm = sqrt(mean(x²) + eps), over the last axis of x [rows, D]:
 * dx = (dy * weight - n * mean(dy * weight * n)) / norm, dWeight [D] = sum over rows of dy * n
 */
export function rmsNormBackward(
  rows: number,
  features: number,
  dy: Values,
  x: Values,
  weight: Values | undefined,
  eps: number,
): { dx: Float64Array; dWeight: Float64Array } {
  const dx = new Float64Array(rows * features);
  const dWeight = new Float64Array(features);
  for (let r = 0; r < rows; r++) {
    let squares = 0;
    for (let d = 0; d < features; d++) squares += x[r * features + d]! ** 2;
    const norm = Math.sqrt(squares / features + eps);
    let dot = 0;
    for (let d = 0; d < features; d++) {
      const i = r * features + d;
      const n = x[i]! / norm;
      dot += dy[i]! * (weight?.[d] ?? 1) * n;
      dWeight[d]! += dy[i]! * n;
    }
    for (let d = 0; d < features; d++) {
      const i = r * features + d;
      dx[i] = (dy[i]! * (weight?.[d] ?? 1) - ((x[i]! / norm) * dot) / features) / norm;
    }
  }
  return { dx, dWeight };
}
