import { sigmoid, sliceOf, softplus, type Values } from "./math.ts";

/** The arguments of the op as plain numbers, in the shapes of `ScanArgs`. */
export interface ScanValues {
  u: Values;
  delta: Values;
  A: Values;
  B: Values;
  C: Values;
  D?: Values | undefined;
  z?: Values | undefined;
  deltaBias?: Values | undefined;
  deltaSoftplus?: boolean | undefined;
  initialState?: Values | undefined;
  range?: Values | undefined;
}

/**
 * h[l] = exp(dt[l] * A) * h[l-1] + dt[l] * B[l] * u[l]
 * y[l] = (sum_n C[l,n] * h[l,n] + D * u[l]) * silu(z[l]), and the last h [B, D, N]
 */
export function selectiveScan(
  batch: number,
  length: number,
  channels: number,
  stateSize: number,
  { u, delta, A, B, C, D, z, deltaBias, deltaSoftplus, initialState, range }: ScanValues,
): { y: Float64Array; finalState: Float64Array } {
  const y = new Float64Array(batch * length * channels);
  const h = Float64Array.from(initialState ?? new Float64Array(batch * channels * stateSize));
  for (let b = 0; b < batch; b++) {
    const { start, end } = sliceOf(range, b, length);
    for (let l = start; l < end; l++) {
      for (let d = 0; d < channels; d++) {
        const i = (b * length + l) * channels + d;
        const raw = delta[i]! + (deltaBias?.[d] ?? 0);
        const dt = deltaSoftplus ? softplus(raw) : raw;
        let sum = 0;
        for (let n = 0; n < stateSize; n++) {
          const j = (b * channels + d) * stateSize + n;
          const k = (b * length + l) * stateSize + n;
          h[j] = Math.exp(dt * A[d * stateSize + n]!) * h[j]! + dt * B[k]! * u[i]!;
          sum += C[k]! * h[j];
        }
        if (D !== undefined) sum += D[d]! * u[i]!;
        y[i] = z === undefined ? sum : sum * z[i]! * sigmoid(z[i]!);
      }
    }
  }
  return { y, finalState: h };
}
