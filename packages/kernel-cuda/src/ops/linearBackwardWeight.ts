import type { Op } from "../op.ts";
import { tiledProduct, usesBlas } from "../products/tiledProduct.ts";

export const linearBackwardWeight: Op<"linearBackwardWeight"> = (runtime, sizes, dy, x) => {
  const op = "linearBackwardWeight";
  const { rows, inFeatures, outFeatures } = sizes;
  const dWeight = runtime.result(op, [outFeatures, inFeatures]);
  if (usesBlas(runtime, "f32", rows, inFeatures, outFeatures, dy.rowStride, x.rowStride)) {
    // In column-major order: dWeightᵀ = xᵀ · dy.
    runtime.sgemm(op, {
      ...{ transA: false, transB: true, m: inFeatures, n: outFeatures, k: rows },
      ...{ a: x, lda: x.rowStride, b: dy, ldb: dy.rowStride, c: dWeight, ldc: inFeatures },
    });
    return dWeight;
  }
  tiledProduct(runtime, op, {
    m: outFeatures,
    n: inFeatures,
    k: rows,
    kernels: { 64: "linearBackwardWeight64", 128: "linearBackwardWeight128" },
    result: dWeight,
    args: (target) => [dy, x, target, rows, inFeatures, outFeatures, dy.rowStride, x.rowStride],
  });
  return dWeight;
};
