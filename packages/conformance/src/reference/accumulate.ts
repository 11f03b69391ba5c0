import type { Values } from "./math.ts";

/** target + x * factor: what the target holds afterwards */
export function accumulate(target: Values, x: Values, factor = 1): Float64Array {
  const y = new Float64Array(x.length);
  for (let i = 0; i < y.length; i++) y[i] = target[i]! + x[i]! * factor;
  return y;
}
