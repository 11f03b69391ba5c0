import type { Values } from "./math.ts";

/** y[b, l] = x[b, L-1-l] for x [B, L, D] */
export function flip(batch: number, length: number, channels: number, x: Values): Float64Array {
  const y = new Float64Array(batch * length * channels);
  for (let b = 0; b < batch; b++) {
    for (let l = 0; l < length; l++) {
      for (let d = 0; d < channels; d++) {
        y[(b * length + l) * channels + d] = x[(b * length + length - 1 - l) * channels + d]!;
      }
    }
  }
  return y;
}
