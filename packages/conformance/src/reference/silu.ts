import { sigmoid, type Values } from "./math.ts";

/** x * sigmoid(x) */
export function silu(x: Values): Float64Array {
  const y = new Float64Array(x.length);
  for (let i = 0; i < y.length; i++) y[i] = x[i]! * sigmoid(x[i]!);
  return y;
}
