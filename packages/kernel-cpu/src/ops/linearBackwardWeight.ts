import type { Op } from "../op.ts";

/** dWeight = dyᵀ · x */
export const linearBackwardWeight: Op<"linearBackwardWeight"> = (runtime, sizes, dy, x) => {
  const op = "linearBackwardWeight";
  const { rows, inFeatures, outFeatures } = sizes;
  const dWeight = runtime.result(op, [outFeatures, inFeatures]);
  const record = {
    a: dy,
    b: x,
    c: dWeight,
    rows: outFeatures,
    columns: inFeatures,
    depth: rows,
    aStride: dy.rowStride,
    aByColumns: true,
    bStride: x.rowStride,
    bType: x.dtype,
  };
  // 32 floating-point operations per nanosecond.
  runtime.run(op, record, (rows * inFeatures * outFeatures) / 16);
  return dWeight;
};
