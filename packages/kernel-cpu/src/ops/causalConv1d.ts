import { checkCausalConv1d, type ConvArgs, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";

export function causalConv1d(
  runtime: Runtime,
  conv: ConvArgs,
  want?: { finalState: true },
): { y: Tensor; finalState?: Tensor } {
  const { batch, length, channels, width } = checkCausalConv1d(conv);
  const op = "causalConv1d";
  runtime.checkOpen(op);
  const { args } = runtime;
  writeConvInputs(runtime, op, conv);
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
}

/** The part of the record that the backward has in common. */
export function writeConvInputs(runtime: Runtime, op: string, conv: ConvArgs): void {
  const { args } = runtime;
  args[0] = runtime.at(op, "x", conv.x);
  args[1] = runtime.at(op, "weight", conv.weight);
  args[2] = runtime.at(op, "bias", conv.bias);
  args[3] = runtime.at(op, "initialState", conv.initialState);
  args[4] = runtime.at(op, "range", conv.range);
  args[11] = conv.x.rowStride;
  args[12] = conv.activation === "silu" ? 1 : 0;
}
