import { bindAxes } from "../checks/bindAxes.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";
import { checkWidth, type ConvArgs } from "./causalConv1d.ts";

/** `causalConv1d` for one token: x [B, D], or a sequence of one position, [B, 1, D]. The state is a separate argument. */
export type ConvStepArgs = Omit<ConvArgs, "initialState" | "sequenceIds">;

export interface CausalConv1dStepOp {
  /** `causalConv1d` for one token: y in the shape of x. `state` [B, D, W-1], the last inputs, is shifted in place. */
  causalConv1dStep(state: Tensor, args: ConvStepArgs): Tensor;
}

export const causalConv1dStep = {
  parameters: ["state", "args"],
  check(state, args) {
    const op = "causalConv1dStep";
    const { B, D, W } = bindAxes(op, {
      x: { tensor: args.x, axes: args.x.shape.length === 3 ? "B 1 D" : "B D" },
      weight: { tensor: args.weight, axes: "D W", dense: true },
      bias: { tensor: args.bias, axes: "D", dense: true },
      state: { tensor: state, axes: "B D W-1", dense: true },
    });
    checkWidth(op, W, args.activation);
    return { batch: B, channels: D, width: W };
  },
  writes: (state) => [state],
} satisfies OpDefinition<CausalConv1dStepOp["causalConv1dStep"]>;
