import type { MambaConfig } from "@mamba/core";

// Operations per position, counted as `CaseSpec.flops` says; the backward counts what it cannot do without, given that
// neither the states nor what the convolution gave before its silu were kept.

/** Of one channel: the taps, the bias and silu. */
export const convFlops = (W: number) => 2 * W + 4;

/** Of one channel: the taps again, silu and its slope, then the gradients of the input, the taps and the bias. */
export const convBackwardFlops = (W: number) => 3 * 2 * W + 8;

/** Of one channel: per state exp(dt·A), its product with h, dt·u·B, and C·h; then softplus, dt·u, D·u and the gate. */
export const scanFlops = (N: number) => 7 * N + 11;

/**
 * Of one channel: per state h again (5), its gradient g (3), dC, dB and the sums over g·B (2 each), g·exp(dt·A)·h (2) and
 * what it gives to ddelta and dA (2 each); then the gate, softplus and D with their gradients.
 */
export const scanBackwardFlops = (N: number) => 18 * N + 25;

/** Of a bare block, matrices included. */
export function blockFlops({ dModel, dInner, dState, dConv, dtRank }: MambaConfig) {
  const matrices = dInner * (2 * dModel + (dtRank + 2 * dState) + dtRank + dModel);
  return {
    forward: 2 * matrices + dInner * (convFlops(dConv) + scanFlops(dState)),
    backward: 4 * matrices + dInner * (convBackwardFlops(dConv) + scanBackwardFlops(dState)),
  };
}

/** Of the norm and the residual around a block. */
export function residualFlops({ dModel }: MambaConfig) {
  return { forward: 5 * dModel, backward: 9 * dModel };
}
