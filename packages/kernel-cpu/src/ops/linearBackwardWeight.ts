import type { Op } from "../op.ts";
import { multiply } from "./multiply.ts";
import { addressOf } from "../tensor.ts";

/** dWeight = dyᵀ · x */
export const linearBackwardWeight: Op<"linearBackwardWeight"> = (
  runtime,
  { rows, inFeatures, outFeatures },
  dy,
  x,
) => {
  const op = "linearBackwardWeight";
  const { args } = runtime;
  args[0] = addressOf(dy);
  args[1] = addressOf(x);
  const dWeight = runtime.result(op, [outFeatures, inFeatures]);
  args[2] = dWeight.address;
  args[3] = outFeatures;
  args[4] = inFeatures;
  args[5] = rows;
  args[6] = dy.rowStride;
  args[7] = 1;
  args[8] = x.rowStride;
  args[9] = runtime.storageType(x);
  multiply(runtime, rows * inFeatures * outFeatures);
  return dWeight;
};
