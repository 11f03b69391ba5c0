import type { Chunk } from "../allocator.ts";
import type { Op } from "../op.ts";

export const rmsNormBackward: Op<"rmsNormBackward"> = (runtime, { rows, features }, dy, x, weight, eps) => {
  const op = "rmsNormBackward";
  const nanoseconds = 1.2 * rows * features;
  const dx = runtime.result(op, x.shape);
  const [dyStride, xStride] = [dy.rowStride, x.rowStride];
  const record = (scales: Chunk | undefined) => ({
    dy,
    x,
    weight,
    dx,
    scales,
    rows,
    features,
    dyStride,
    xStride,
    eps,
  });
  if (!weight) {
    runtime.run(op, record(undefined), nanoseconds);
    return { dx };
  }
  const dWeight = runtime.result(op, [features]);
  const scales = runtime.temporary(op, rows * 4);
  try {
    runtime.run(op, record(scales), nanoseconds);
    const sums = {
      columnSums: { x, y: dWeight, rows, features, xStride },
      w: dy,
      scales,
      wStride: dyStride,
    };
    runtime.run("rmsNormBackwardWeight", sums, 0.6 * rows * features);
    return { dx, dWeight };
  } finally {
    runtime.heap.free(scales);
  }
};
