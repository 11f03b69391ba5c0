import type { Op } from "../op.ts";
import { writeConvInputs } from "./causalConv1d.ts";
import { PartialSums } from "./partialSums.ts";
import { addressOf } from "../tensor.ts";

export const causalConv1dBackward: Op<"causalConv1dBackward"> = (
  runtime,
  { batch, length, channels, width },
  dy,
  conv,
  dFinalState,
) => {
  const op = "causalConv1dBackward";
  const { args } = runtime;
  writeConvInputs(runtime, conv);
  args[7] = batch;
  args[8] = length;
  args[9] = channels;
  args[10] = width;
  args[13] = addressOf(dy);
  args[14] = dy.rowStride;
  args[15] = addressOf(dFinalState);
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
};
