import type { Op } from "../op.ts";
import { addressOf } from "../tensor.ts";

export const flip: Op<"flip"> = (runtime, { batch, length, channels }, x) => {
  const { args } = runtime;
  args[0] = addressOf(x);
  const y = runtime.result("flip", x.shape);
  args[1] = y.address;
  args[2] = batch;
  args[3] = length;
  args[4] = channels;
  args[5] = x.rowStride;
  runtime.run("flip", 0.3 * batch * length * channels);
  return y;
};
