import { siluSlope, type Values } from "./math.ts";

/** dy * silu'(x) */
export function siluBackward(dy: Values, x: Values): Float64Array {
  const dx = new Float64Array(x.length);
  for (let i = 0; i < dx.length; i++) dx[i] = dy[i]! * siluSlope(x[i]!);
  return dx;
}
