import type { Values } from "./math.ts";

/** The sum over all rows of dy [rows, D] */
export function sumRows(rows: number, features: number, dy: Values): Float64Array {
  const sum = new Float64Array(features);
  for (let r = 0; r < rows; r++) {
    for (let d = 0; d < features; d++) sum[d]! += dy[r * features + d]!;
  }
  return sum;
}
