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

/** Operations of a direction of a block: convolution, x_proj, dt_proj and scan. */
function directionFlops({ dInner, dState, dConv, dtRank }: MambaConfig) {
  const matrices = dInner * (dtRank + 2 * dState + dtRank);
  return {
    forward: 2 * matrices + dInner * (convFlops(dConv) + scanFlops(dState)),
    backward: 4 * matrices + dInner * (convBackwardFlops(dConv) + scanBackwardFlops(dState)),
  };
}

/** Operations of a block with its matrices, without norm and residual. Two directions are added up and halved. */
export function blockFlops(config: MambaConfig, directions: 1 | 2 = 1) {
  const { dModel, dInner } = config;
  const shared = dInner * (2 * dModel + dModel); // in_proj and out_proj
  const { forward, backward } = directionFlops(config);
  const sum = directions === 2 ? 2 * dInner : 0;
  return {
    forward: 2 * shared + directions * forward + sum,
    backward: 4 * shared + directions * backward + sum,
  };
}

/** Operations of the norm and the residual around a block. */
export function residualFlops({ dModel }: MambaConfig) {
  return { forward: 5 * dModel, backward: 9 * dModel };
}

/** Operations of a stack with its final norm, forward and backward. */
export function stackFlops(config: MambaConfig, directions: 1 | 2 = 1): number {
  const layer = [blockFlops(config, directions), residualFlops(config)];
  const perLayer = layer.reduce((sum, { forward, backward }) => sum + forward + backward, 0);
  return config.nLayers * perLayer + (4 + 8) * config.dModel;
}

/** Operations of AdamW for one parameter: two moments, their corrections, the quotient, the decay and the update. */
export const adamwFlops = 14;
