import { byteLength } from "@mamba/kernel";
import type { Op } from "../op.ts";
import { addressOf } from "../tensor.ts";

export const linear: Op<"linear"> = (runtime, { rows, inFeatures, outFeatures, shape }, x, weight, bias) => {
  const { args } = runtime;
  args[0] = addressOf(x);
  args[1] = addressOf(weight);
  args[2] = addressOf(bias);
  const y = runtime.result("linear", shape);
  args[3] = y.address;
  args[4] = rows;
  args[5] = inFeatures;
  args[6] = outFeatures;
  args[7] = x.rowStride;
  args[8] = runtime.storageType(weight);
  // The larger of 16 bytes and 36 floating-point operations a nanosecond.
  const weights = inFeatures * outFeatures;
  runtime.run("linear", Math.max(byteLength(weight.dtype, weight.shape) / 16, (rows * weights) / 18));
  return y;
};
