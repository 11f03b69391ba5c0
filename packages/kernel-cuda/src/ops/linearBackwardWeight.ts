import { checkLinearBackwardWeight, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import { byBlas, tiledProduct } from "./gemm.ts";

export function linearBackwardWeight(runtime: Runtime, dy: Tensor, x: Tensor): Tensor {
  const { rows, inFeatures, outFeatures } = checkLinearBackwardWeight(dy, x);
  const op = "linearBackwardWeight";
  runtime.checkOpen(op);
  const [from, input] = [runtime.own(op, "dy", dy), runtime.own(op, "x", x)];
  const dWeight = runtime.result(op, [outFeatures, inFeatures]);
  if (byBlas(runtime, "f32", rows, inFeatures, outFeatures, from.rowStride, input.rowStride)) {
    // Column-major, dWeightᵀ = xᵀ · dy.
    runtime.sgemm(op, {
      ...{ transA: false, transB: true, m: inFeatures, n: outFeatures, k: rows },
      ...{ a: input, lda: input.rowStride, b: from, ldb: from.rowStride, c: dWeight, ldc: inFeatures },
    });
    return dWeight;
  }
  tiledProduct(runtime, op, {
    m: outFeatures,
    n: inFeatures,
    k: rows,
    kernels: { 64: "linearBackwardWeight64", 128: "linearBackwardWeight128" },
    result: dWeight,
    args: (target) => [from, input, target, rows, inFeatures, outFeatures, from.rowStride, input.rowStride],
  });
  return dWeight;
}
