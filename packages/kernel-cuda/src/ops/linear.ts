import type { FloatDType } from "@mamba/kernel";
import { addPartials } from "../addPartials.ts";
import type { Op } from "../op.ts";
import { fewRows, rowPlan } from "../products/rowPlan.ts";
import { tiledProduct, usesBlas } from "../products/tiledProduct.ts";
import type { Runtime } from "../runtime.ts";
import type { CudaTensor } from "../tensor.ts";

const tileKernels = {
  f32: { 64: "linearTile64_f32", 128: "linearTile128_f32" },
  f16: { 64: "linearTile64_f16", 128: "linearTile128_f16" },
  bf16: { 64: "linearTile64_bf16", 128: "linearTile128_bf16" },
} as const;

/** The tensors and sizes of one call. */
interface Call {
  readonly x: CudaTensor;
  readonly weight: CudaTensor;
  readonly bias: CudaTensor | undefined;
  readonly y: CudaTensor;
  readonly rows: number;
  readonly inFeatures: number;
  readonly outFeatures: number;
}

export const linear: Op<"linear"> = (runtime, { shape, ...sizes }, x, weight, bias) => {
  const y = runtime.result("linear", shape);
  const call = { x, weight, bias, y, ...sizes };
  const { rows, inFeatures, outFeatures } = sizes;
  // The GPU kernels for few rows count the elements of a group in 32 bits, and so does the one that adds the bias.
  const inGroups = rows <= fewRows || runtime.batchInvariant;
  if (inGroups && fewRows * x.rowStride < 2 ** 32) rowProduct(runtime, call);
  else if (bias && rows * outFeatures >= 2 ** 32) tileProduct(runtime, call);
  else if (usesBlas(runtime, weight.dtype as FloatDType, rows, inFeatures, outFeatures, x.rowStride)) {
    blasProduct(runtime, call);
  } else tileProduct(runtime, call);
  return y;
};

function rowProduct(runtime: Runtime, { x, weight, bias, y, rows, inFeatures, outFeatures }: Call): void {
  const { kernel, grid, lanes } = rowPlan(weight.dtype as FloatDType, rows, inFeatures, outFeatures);
  const args = [x, weight, bias, y, rows, inFeatures, outFeatures, x.rowStride, lanes];
  runtime.launch("linear", kernel, grid, 256, args);
}

function tileProduct(runtime: Runtime, { x, weight, bias, y, rows, inFeatures, outFeatures }: Call): void {
  tiledProduct(runtime, "linear", {
    m: rows,
    n: outFeatures,
    k: inFeatures,
    kernels: tileKernels[weight.dtype as FloatDType],
    result: y,
    bias,
    args: (target, shift) => [x, weight, shift, target, rows, inFeatures, outFeatures, x.rowStride],
  });
}

/** Computes yᵀ = weight · xᵀ, because cuBLAS uses column-major order. */
function blasProduct(runtime: Runtime, { x, weight, bias, y, rows, inFeatures, outFeatures }: Call): void {
  runtime.sgemm("linear", {
    ...{ transA: true, transB: false, m: outFeatures, n: rows, k: inFeatures },
    ...{ a: weight, lda: inFeatures, b: x, ldb: x.rowStride, c: y, ldc: outFeatures },
  });
  if (bias) addPartials(runtime, "linear", y, y, { count: rows * outFeatures, chunks: 1 }, bias);
}
