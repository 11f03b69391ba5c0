import type { Op } from "../op.ts";
import { lineBytes } from "../allocator.ts";
import { addressOf } from "../tensor.ts";

export const rmsNormBackward: Op<"rmsNormBackward"> = (runtime, { rows, features }, dy, x, weight, eps) => {
  const op = "rmsNormBackward";
  const { args } = runtime;
  const dyAt = addressOf(dy);
  const xAt = addressOf(x);
  args[0] = dyAt;
  args[1] = xAt;
  args[2] = addressOf(weight);
  const dx = runtime.result(op, x.shape);
  args[3] = dx.address;
  args[4] = 0;
  args[5] = rows;
  args[6] = features;
  args[7] = dy.rowStride;
  args[8] = x.rowStride;
  runtime.floatArgs[9] = eps;
  if (!weight) {
    runtime.run(op, 1.2 * rows * features);
    return { dx };
  }
  const dWeight = runtime.result(op, [features]);
  const scales = runtime.temporary(op, rows * 4);
  try {
    const scalesAt = scales.start * lineBytes;
    args[4] = scalesAt;
    runtime.run(op, 1.2 * rows * features);
    args[0] = xAt;
    args[1] = dyAt;
    args[2] = scalesAt;
    args[3] = dWeight.address;
    args[4] = rows;
    args[5] = features;
    args[6] = x.rowStride;
    args[7] = dy.rowStride;
    runtime.run("rmsNormBackwardWeight", 0.6 * rows * features);
    return { dx, dWeight };
  } finally {
    runtime.heap.free(scales);
  }
};
