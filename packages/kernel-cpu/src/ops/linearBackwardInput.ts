import type { Op } from "../op.ts";

/** dx = dy · weight */
export const linearBackwardInput: Op<"linearBackwardInput"> = (runtime, sizes, dy, weight) => {
  const op = "linearBackwardInput";
  const { rows, inFeatures, outFeatures, shape } = sizes;
  const dx = runtime.result(op, shape);
  const record = {
    a: dy,
    b: weight.unpacked(),
    c: dx,
    rows,
    columns: inFeatures,
    depth: outFeatures,
    aStride: dy.rowStride,
    aByColumns: false,
    bStride: inFeatures,
    bType: weight.dtype,
  };
  // 32 floating-point operations per nanosecond.
  runtime.run(op, record, (rows * inFeatures * outFeatures) / 16);
  return dx;
};
