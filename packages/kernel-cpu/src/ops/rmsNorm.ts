import type { Op } from "../op.ts";
import { addressOf } from "../tensor.ts";

export const rmsNorm: Op<"rmsNorm"> = (runtime, { rows, features }, x, weight, eps) => {
  const { args } = runtime;
  args[0] = addressOf(x);
  args[1] = addressOf(weight);
  const y = runtime.result("rmsNorm", x.shape);
  args[2] = y.address;
  args[3] = rows;
  args[4] = features;
  args[5] = x.rowStride;
  runtime.floatArgs[6] = eps;
  runtime.run("rmsNorm", 0.6 * rows * features);
  return y;
};
