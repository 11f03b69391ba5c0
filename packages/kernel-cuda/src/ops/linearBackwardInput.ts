import { checkLinearBackwardInput, type FloatDType, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import { byBlas, tiledProduct } from "./gemm.ts";

const kernels = {
  f32: { 64: "linearBackwardInput64_f32", 128: "linearBackwardInput128_f32" },
  f16: { 64: "linearBackwardInput64_f16", 128: "linearBackwardInput128_f16" },
  bf16: { 64: "linearBackwardInput64_bf16", 128: "linearBackwardInput128_bf16" },
} as const;

export function linearBackwardInput(runtime: Runtime, dy: Tensor, weight: Tensor): Tensor {
  const { rows, inFeatures, outFeatures, shape } = checkLinearBackwardInput(dy, weight);
  const op = "linearBackwardInput";
  runtime.checkOpen(op);
  const [from, matrix] = [runtime.own(op, "dy", dy), runtime.own(op, "weight", weight)];
  const dx = runtime.result(op, shape);
  const dtype = weight.dtype as FloatDType;
  if (byBlas(runtime, dtype, rows, inFeatures, outFeatures, from.rowStride)) {
    // Column-major, dxᵀ = weightᵀ · dyᵀ.
    runtime.sgemm(op, {
      ...{ transA: false, transB: false, m: inFeatures, n: rows, k: outFeatures },
      ...{ a: matrix, lda: inFeatures, b: from, ldb: from.rowStride, c: dx, ldc: inFeatures },
    });
    return dx;
  }
  tiledProduct(runtime, op, {
    m: rows,
    n: inFeatures,
    k: outFeatures,
    kernels: kernels[dtype],
    result: dx,
    args: (target) => [from, matrix, target, rows, inFeatures, outFeatures, from.rowStride],
  });
  return dx;
}
