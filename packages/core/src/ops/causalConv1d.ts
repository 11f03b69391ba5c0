import type { ConvArgs, Tensor } from "@mamba/kernel";
import { isOneToken } from "./run/isOneToken.ts";
import type { OpRun } from "./run/opRun.ts";

export type CausalConv1dArgs = Omit<ConvArgs, "initialState"> & {
  /** [B, D, W-1], the inputs before `x`, oldest first. Advanced in place to the last inputs of `x`. */
  state?: Tensor | undefined;
};

/**
 * Depthwise causal convolution of x [B, L, D] along L, optionally followed by SiLU; see `ConvArgs` for the formula. With a
 * state and one position it runs the one-token kernel op. No gradient flows into the state.
 */
export function causalConv1d(run: OpRun, options: CausalConv1dArgs): Tensor {
  const { x, weight, bias, activation, sequenceIds, state } = options;
  const { kernel } = run;
  if (state && isOneToken(run, x, sequenceIds)) {
    return run.hold(kernel.causalConv1dStep(state, { x, weight, bias, activation }));
  }
  const args: ConvArgs = { x, weight, bias, activation, sequenceIds, initialState: state };
  let y: Tensor;
  if (state) {
    const result = kernel.causalConv1d(args, { finalState: true });
    run.advance(state, result.finalState);
    y = result.y;
  } else y = kernel.causalConv1d(args).y;
  return run.result(y, [x, weight, bias], (dy, sink) =>
    sink.addAll(args, sink.kernel.causalConv1dBackward(dy, args)),
  );
}
