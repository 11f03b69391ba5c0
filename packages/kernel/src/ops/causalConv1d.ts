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
 * Inputs before the first come from `initialState`, or are 0.
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
   * i32 [B, 2]: row b is real in [start, end) and padding elsewhere. Padded positions give y = 0 and do not change the
   * state, so the row gives the same result as its real positions alone. Values are clamped to 0 <= start <= end <= L.
   */
  range?: Tensor | undefined;
}

export interface CausalConv1dOp {
  /** y [B, L, D]; on request `finalState` [B, D, W-1], the last W-1 inputs. See `ConvArgs` for the formula. */
  causalConv1d(args: ConvArgs): { y: Tensor };
  causalConv1d(args: ConvArgs, want: { finalState: true }): { y: Tensor; finalState: Tensor };
  causalConv1d(args: ConvArgs, want?: { finalState: true }): { y: Tensor; finalState?: Tensor };
}

export interface CausalConv1dBackwardOp {
  /** Gradients of `causalConv1d`. `dFinalState` [B, D, W-1] is the gradient of `finalState`. */
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
    range: { tensor: args.range, axes: "B 2", dtypes: ["i32"], dense: true },
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
