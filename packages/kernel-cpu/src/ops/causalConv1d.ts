import type { ConvArgs } from "@mamba/kernel";
import type { ConvSizes } from "@mamba/kernel/author";
import type { Op, Own } from "../op.ts";

export const causalConv1d: Op<"causalConv1d"> = (runtime, sizes, args, want) => {
  const op = "causalConv1d";
  const { batch, length, channels, width } = sizes;
  const y = runtime.result(op, args.x.shape);
  const finalState = want?.finalState ? runtime.result(op, [batch, channels, width - 1]) : undefined;
  const nanoseconds = (1 + 0.2 * width) * batch * length * channels;
  runtime.run(op, { convInputs: convInputs(args, sizes), y, finalState }, nanoseconds);
  return finalState ? { y, finalState } : { y };
};

/** The fields that the records of the convolution and of its backward have in common. */
export function convInputs(args: Own<ConvArgs>, { batch, length, channels, width }: ConvSizes) {
  const { x, weight, bias, initialState, sequenceIds, activation } = args;
  return {
    x,
    weight,
    bias,
    initialState,
    sequenceIds,
    batch,
    length,
    channels,
    width,
    xStride: x.rowStride,
    silu: activation === "silu",
  };
}
