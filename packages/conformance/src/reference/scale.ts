import type { Values } from "./math.ts";

/** x * factor */
export function scale(x: Values, factor: number): Float64Array {
  const y = new Float64Array(x.length);
  for (let i = 0; i < y.length; i++) y[i] = x[i]! * factor;
  return y;
}
