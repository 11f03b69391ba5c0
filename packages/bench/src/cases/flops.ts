import type { MambaConfig } from "@mamba/core";

// Minimum operations per position, counted by the rules of `BenchmarkCase.flops`. The backward recomputes the states and
// the output of the convolution before SiLU, which the forward does not keep.

/** Operations per channel: the taps, the bias and SiLU. */
const convFlops = (W: number) => 2 * W + 4;

/** Operations per channel: recompute the convolution, then SiLU and its derivative, then the gradients of input, taps and bias. */
const convBackwardFlops = (W: number) => 3 * 2 * W + 8;

/** Operations per channel: per state exp(dt·A), its product with h, dt·u·B, and C·h; then softplus, dt·u, D·u and the gate. */
const scanFlops = (N: number) => 7 * N + 11;

/**
 * Operations per channel: per state recompute h (5), its gradient g (3), dC, dB and the sums over g·B (2 each),
 * g·exp(dt·A)·h (2) and its terms in ddelta and dA (2 each); then the gate, softplus and D with their gradients.
 */
const scanBackwardFlops = (N: number) => 18 * N + 25;

/** Operations of a block with its matrices, without norm and residual. */
export function blockFlops({ dModel, dInner, dState, dConv, dtRank }: MambaConfig) {
  const matrices = dInner * (2 * dModel + (dtRank + 2 * dState) + dtRank + dModel);
  return {
    forward: 2 * matrices + dInner * (convFlops(dConv) + scanFlops(dState)),
    backward: 4 * matrices + dInner * (convBackwardFlops(dConv) + scanBackwardFlops(dState)),
  };
}

/** Operations of the norm and the residual around a block. */
export function residualFlops({ dModel }: MambaConfig) {
  return { forward: 5 * dModel, backward: 9 * dModel };
}
