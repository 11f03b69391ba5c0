import type { ConvArgs } from "@mamba/kernel";
import type { Op, Own } from "../op.ts";
import type { Runtime } from "../runtime.ts";
import { addressOf } from "../tensor.ts";

export const causalConv1d: Op<"causalConv1d"> = (runtime, { batch, length, channels, width }, conv, want) => {
  const op = "causalConv1d";
  const { args } = runtime;
  writeConvInputs(runtime, conv);
  const y = runtime.result(op, conv.x.shape);
  const finalState = want?.finalState ? runtime.result(op, [batch, channels, width - 1]) : undefined;
  args[5] = y.address;
  args[6] = finalState?.address ?? 0;
  args[7] = batch;
  args[8] = length;
  args[9] = channels;
  args[10] = width;
  runtime.run(op, (1 + 0.2 * width) * batch * length * channels);
  return finalState ? { y, finalState } : { y };
};

/** The part of the record that the backward has in common. */
export function writeConvInputs(runtime: Runtime, conv: Own<ConvArgs>): void {
  const { args } = runtime;
  args[0] = addressOf(conv.x);
  args[1] = addressOf(conv.weight);
  args[2] = addressOf(conv.bias);
  args[3] = addressOf(conv.initialState);
  args[4] = addressOf(conv.range);
  args[11] = conv.x.rowStride;
  args[12] = conv.activation === "silu" ? 1 : 0;
}
