import type { Values } from "./math.ts";

/** a + b, elementwise */
export function add(a: Values, b: Values): Float64Array {
  const y = new Float64Array(a.length);
  for (let i = 0; i < y.length; i++) y[i] = a[i]! + b[i]!;
  return y;
}
