import type { Op } from "../op.ts";
import { addressOf } from "../tensor.ts";

export const causalConv1dStep: Op<"causalConv1dStep"> = (
  runtime,
  { batch, channels, width },
  state,
  conv,
) => {
  const op = "causalConv1dStep";
  const { args } = runtime;
  args[0] = addressOf(conv.x);
  args[1] = addressOf(conv.weight);
  args[2] = addressOf(conv.bias);
  args[3] = addressOf(state);
  args[4] = 0;
  const y = runtime.result(op, conv.x.shape);
  args[5] = y.address;
  args[6] = args[3];
  args[7] = batch;
  args[8] = 1;
  args[9] = channels;
  args[10] = width;
  args[11] = conv.x.rowStride;
  args[12] = conv.activation === "silu" ? 1 : 0;
  runtime.run(op, (2 + 1.5 * width) * batch * channels);
  return y;
};
