import { sigmoid, siluSlope, sliceOf, softplus, softplusSlope, type Values } from "./math.ts";
import type { ScanValues } from "./selectiveScan.ts";

/** The gradients of all arguments of `selectiveScan`, of those that were not given too. */
export type ScanGradients = Record<
  "u" | "delta" | "A" | "B" | "C" | "D" | "z" | "deltaBias" | "initialState",
  Float64Array
>;

/**
 * From the last position to the first, with g = dloss/dh[l] and s[l] = sum_n C[l,n] h[l,n] + D u[l]:
 * ```
 * ds = dy silu(z)       dz = dy s silu'(z)       dD += ds u       dC += ds h[l]       g += ds C
 * da = g h[l-1] exp(dt A)     dA += da dt     ddt = sum_n da A + g B u     dB += g dt u     du = ds D + sum_n g dt B
 * ddelta = ddt softplus'(delta + deltaBias)       then g *= exp(dt A) for l-1, which ends as d initialState
 * ```
 */
export function selectiveScanBackward(
  batch: number,
  length: number,
  channels: number,
  stateSize: number,
  dy: Values,
  { u, delta, A, B, C, D, z, deltaBias, deltaSoftplus, initialState, range }: ScanValues,
  dFinalState?: Values,
): ScanGradients {
  const sequence = batch * length * channels;
  const states = batch * channels * stateSize;
  const grads: ScanGradients = {
    u: new Float64Array(sequence),
    delta: new Float64Array(sequence),
    A: new Float64Array(channels * stateSize),
    B: new Float64Array(batch * length * stateSize),
    C: new Float64Array(batch * length * stateSize),
    D: new Float64Array(channels),
    z: new Float64Array(sequence),
    deltaBias: new Float64Array(channels),
    initialState: Float64Array.from(dFinalState ?? new Float64Array(states)),
  };
  const step = (i: number, d: number): { raw: number; dt: number } => {
    const raw = delta[i]! + (deltaBias?.[d] ?? 0);
    return { raw, dt: deltaSoftplus ? softplus(raw) : raw };
  };
  for (let b = 0; b < batch; b++) {
    const { start, end } = sliceOf(range, b, length);
    for (let d = 0; d < channels; d++) {
      const row = (b * channels + d) * stateSize;
      // h[l] for l from start - 1 to end - 1, the first being the initial state.
      const h = new Float64Array((end - start + 1) * stateSize);
      for (let n = 0; n < stateSize; n++) h[n] = initialState?.[row + n] ?? 0;
      for (let l = start; l < end; l++) {
        const i = (b * length + l) * channels + d;
        const { dt } = step(i, d);
        for (let n = 0; n < stateSize; n++) {
          const from = (l - start) * stateSize + n;
          const input = dt * B[(b * length + l) * stateSize + n]! * u[i]!;
          h[from + stateSize] = Math.exp(dt * A[d * stateSize + n]!) * h[from]! + input;
        }
      }
      for (let l = end - 1; l >= start; l--) {
        const i = (b * length + l) * channels + d;
        const { raw, dt } = step(i, d);
        const gate = z === undefined ? 1 : z[i]! * sigmoid(z[i]!);
        const ds = dy[i]! * gate;
        let s = D === undefined ? 0 : D[d]! * u[i]!;
        let du = D === undefined ? 0 : ds * D[d]!;
        let ddt = 0;
        for (let n = 0; n < stateSize; n++) {
          const k = (b * length + l) * stateSize + n;
          const before = h[(l - start) * stateSize + n]!;
          const after = h[(l - start + 1) * stateSize + n]!;
          const a = Math.exp(dt * A[d * stateSize + n]!);
          s += C[k]! * after;
          grads.C[k]! += ds * after;
          const g = grads.initialState[row + n]! + ds * C[k]!;
          grads.A[d * stateSize + n]! += g * before * a * dt;
          grads.B[k]! += g * dt * u[i]!;
          ddt += g * before * a * A[d * stateSize + n]! + g * B[k]! * u[i]!;
          du += g * dt * B[k]!;
          grads.initialState[row + n] = g * a;
        }
        grads.u[i] = du;
        grads.D[d]! += ds * u[i]!;
        if (z !== undefined) grads.z[i] = dy[i]! * s * siluSlope(z[i]!);
        grads.delta[i] = ddt * (deltaSoftplus ? softplusSlope(raw) : 1);
        grads.deltaBias[d]! += grads.delta[i];
      }
    }
  }
  return grads;
}
