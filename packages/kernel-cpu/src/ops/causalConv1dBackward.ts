import { checkCausalConv1dBackward, type ConvArgs, type Grads, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import { writeConvInputs } from "./causalConv1d.ts";
import { PartialSums } from "./partialSums.ts";

export function causalConv1dBackward(
  runtime: Runtime,
  dy: Tensor,
  conv: ConvArgs,
  dFinalState?: Tensor,
): Grads<ConvArgs> {
  const { batch, length, channels, width } = checkCausalConv1dBackward(dy, conv, dFinalState);
  const op = "causalConv1dBackward";
  runtime.checkOpen(op);
  const { args } = runtime;
  writeConvInputs(runtime, op, conv);
  args[7] = batch;
  args[8] = length;
  args[9] = channels;
  args[10] = width;
  args[13] = runtime.at(op, "dy", dy);
  args[14] = dy.rowStride;
  args[15] = runtime.at(op, "dFinalState", dFinalState);
  const x = runtime.result(op, conv.x.shape);
  const weight = runtime.result(op, conv.weight.shape);
  const bias = conv.bias && runtime.result(op, conv.bias.shape);
  const initialState = conv.initialState && runtime.result(op, conv.initialState.shape);
  const sums = new PartialSums(runtime, op);
  try {
    args[16] = x.address;
    args[17] = sums.add(weight, batch);
    args[18] = bias ? sums.add(bias, batch) : 0;
    args[19] = initialState?.address ?? 0;
    runtime.run(op, (2 + 1.2 * width) * batch * length * channels);
    sums.finish();
  } finally {
    sums.free();
  }
  return { x, weight, ...(bias && { bias }), ...(initialState && { initialState }) };
}
