import type { Op } from "../op.ts";

export const rmsNormBackward: Op<"rmsNormBackward"> = (runtime, { rows, features }, dy, x, weight, eps) => {
  const op = "rmsNormBackward";
  const nanoseconds = 1.2 * rows * features;
  const dx = runtime.result(op, x.shape);
  const [dyStride, xStride] = [dy.rowStride, x.rowStride];
  const record = { dy, x, weight, dx, rows, features, dyStride, xStride, eps };
  if (!weight) {
    runtime.run(op, { ...record, scales: undefined }, nanoseconds);
    return { dx };
  }
  const dWeight = runtime.result(op, [features]);
  const scales = runtime.temporary(op, rows * 4);
  try {
    runtime.run(op, { ...record, scales }, nanoseconds);
    const sums = { x, y: dWeight, w: dy, scales, rows, features, xStride, wStride: dyStride };
    runtime.run("rmsNormBackwardWeight", sums, 0.6 * rows * features);
    return { dx, dWeight };
  } finally {
    runtime.heap.free(scales);
  }
};
