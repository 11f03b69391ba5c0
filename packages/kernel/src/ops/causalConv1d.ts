import { bindAxes } from "../checks/bindAxes.ts";
import { fail } from "../checks/fail.ts";
import { checkInteger } from "../checks/scalars.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";
import type { Grads } from "./grads.ts";
import type { ConvSizes } from "./sizes.ts";

/**
 * Depthwise causal convolution along L, optionally followed by SiLU. B batch, L length, D channels, W width:
 * ```
 * y[b,l,d] = act(bias[d] + sum_k weight[d,k] * x[b, l-(W-1)+k, d])
 * ```
 * Inputs before the first come from `initialState`, or are 0. With `sequenceIds`, the inputs of a position are real positions of
 * its own sequence: padding has no part in them.
 */
export interface ConvArgs {
  /** [B, L, D] */
  x: Tensor;
  /** [D, W], W from 2 to 16 */
  weight: Tensor;
  /** [D] */
  bias?: Tensor | undefined;
  activation?: "silu" | undefined;
  /** [B, D, W-1], the inputs before `x`, oldest first. */
  initialState?: Tensor | undefined;
  /**
   * i32 [B, L]: several sequences in a row, and padding. A negative number is padding, a position with another number is real.
   * A real position starts a sequence when its number differs from that of the last real position before it in its row; a
   * number that comes back after another one starts a sequence again.
   *
   * Each sequence gives the result that it would give alone. At padding, y = 0, no gradient flows, and the state does not
   * change, also in the middle of a sequence. The first sequence of a row goes on from `initialState`, and every other one
   * starts from zeros. `finalState` is the state after the last real position: of the last sequence, or `initialState` (or
   * zeros) when the row has no real position. Default: each row is one sequence without padding.
   */
  sequenceIds?: Tensor | undefined;
}

export interface CausalConv1dOp {
  /** y [B, L, D]; on request `finalState` [B, D, W-1], the last W-1 inputs, oldest first. See `ConvArgs` for the formula. */
  causalConv1d(args: ConvArgs): { y: Tensor };
  causalConv1d(args: ConvArgs, want: { finalState: true }): { y: Tensor; finalState: Tensor };
  causalConv1d(args: ConvArgs, want?: { finalState: true }): { y: Tensor; finalState?: Tensor };
}

export interface CausalConv1dBackwardOp {
  /**
   * Gradients of `causalConv1d`. `dFinalState` [B, D, W-1] is the gradient of `finalState`. With `sequenceIds` it belongs to the
   * last sequence of a row, and the gradient of `initialState` to the first.
   */
  causalConv1dBackward(dy: Tensor, args: ConvArgs, dFinalState?: Tensor): Grads<ConvArgs>;
}

export const causalConv1d = {
  parameters: ["args", "want"],
  check: (args) => checkConv("causalConv1d", args),
} satisfies OpDefinition<CausalConv1dOp["causalConv1d"]>;

export const causalConv1dBackward = {
  parameters: ["dy", "args", "dFinalState"],
  check(dy, args, dFinalState) {
    const op = "causalConv1dBackward";
    const sizes = checkConv(op, args);
    bindAxes(op, {
      x: { tensor: args.x, axes: "B L D" },
      dy: { tensor: dy, axes: "B L D" },
      weight: { tensor: args.weight, axes: "D W" },
      dFinalState: { tensor: dFinalState, axes: "B D W-1", dense: true },
    });
    return sizes;
  },
} satisfies OpDefinition<CausalConv1dBackwardOp["causalConv1dBackward"]>;

function checkConv(op: string, args: ConvArgs): ConvSizes {
  const { B, L, D, W } = bindAxes(op, {
    x: { tensor: args.x, axes: "B L D" },
    weight: { tensor: args.weight, axes: "D W", dense: true },
    bias: { tensor: args.bias, axes: "D", dense: true },
    initialState: { tensor: args.initialState, axes: "B D W-1", dense: true },
    sequenceIds: { tensor: args.sequenceIds, axes: "B L", dtypes: ["i32"], dense: true },
  });
  checkWidth(op, W, args.activation);
  return { batch: B, length: L, channels: D, width: W };
}

/** @throws KernelError `ARGUMENT` unless W is from 2 to 16 and the activation is known. */
export function checkWidth(op: string, width: number, activation: string | undefined): void {
  checkInteger(op, "the convolution width W", width, 2, 16);
  if (activation !== undefined && activation !== "silu") {
    fail("ARGUMENT", op, `activation must be "silu" or absent, got ${JSON.stringify(activation)}`);
  }
}
