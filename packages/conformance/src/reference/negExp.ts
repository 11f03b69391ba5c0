import type { Values } from "./math.ts";

/** -exp(x) */
export function negExp(x: Values): Float64Array {
  const y = new Float64Array(x.length);
  for (let i = 0; i < y.length; i++) y[i] = -Math.exp(x[i]!);
  return y;
}
