import type { Op } from "../op.ts";
import { multiply } from "./multiply.ts";
import { addressOf } from "../tensor.ts";

/** dx = dy · weight */
export const linearBackwardInput: Op<"linearBackwardInput"> = (
  runtime,
  { rows, inFeatures, outFeatures, shape },
  dy,
  weight,
) => {
  const op = "linearBackwardInput";
  const { args } = runtime;
  args[0] = addressOf(dy);
  args[1] = addressOf(weight);
  const dx = runtime.result(op, shape);
  args[2] = dx.address;
  args[3] = rows;
  args[4] = inFeatures;
  args[5] = outFeatures;
  args[6] = dy.rowStride;
  args[7] = 0;
  args[8] = inFeatures;
  args[9] = runtime.storageType(weight);
  multiply(runtime, rows * inFeatures * outFeatures);
  return dx;
};
