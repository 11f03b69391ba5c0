import type { FloatDType } from "@mamba/kernel";
import type { Op } from "../op.ts";
import { quantizedIndex } from "../quantized.ts";
import { tiledProduct, usesBlas } from "../products/tiledProduct.ts";

const kernels = {
  f32: { 64: "linearBackwardInput64_f32", 128: "linearBackwardInput128_f32" },
  f16: { 64: "linearBackwardInput64_f16", 128: "linearBackwardInput128_f16" },
  bf16: { 64: "linearBackwardInput64_bf16", 128: "linearBackwardInput128_bf16" },
  quantized: { 64: "linearBackwardInput64_quantized", 128: "linearBackwardInput128_quantized" },
} as const;

export const linearBackwardInput: Op<"linearBackwardInput"> = (runtime, sizes, dy, weight) => {
  const op = "linearBackwardInput";
  const { rows, inFeatures, outFeatures, shape } = sizes;
  const dx = runtime.result(op, shape);
  if (usesBlas(runtime, weight.dtype, rows, inFeatures, outFeatures, dy.rowStride)) {
    // In column-major order: dxᵀ = weightᵀ · dyᵀ.
    runtime.sgemm(op, {
      ...{ transA: false, transB: false, m: inFeatures, n: rows, k: outFeatures },
      ...{ a: weight, lda: inFeatures, b: dy, ldb: dy.rowStride, c: dx, ldc: inFeatures },
    });
    return dx;
  }
  const type = quantizedIndex(weight);
  const sizesAndType = [rows, inFeatures, outFeatures, dy.rowStride, ...(type === undefined ? [] : [type])];
  tiledProduct(runtime, op, {
    m: rows,
    n: inFeatures,
    k: outFeatures,
    kernels: kernels[type === undefined ? (weight.dtype as FloatDType) : "quantized"],
    result: dx,
    args: (target) => [dy, weight, target, ...sizesAndType],
  });
  return dx;
};
