import {
  byteOffset,
  elementCount,
  type FloatDType,
  formats,
  isQuantized,
  type WeightDType,
} from "@mamba/kernel";
import { addPartials } from "../addPartials.ts";
import { copyRows } from "../copyRows.ts";
import type { Op } from "../op.ts";
import { fewRows, rowPlan } from "../products/rowPlan.ts";
import { tiledProduct, usesBlas } from "../products/tiledProduct.ts";
import { quantizedIndex } from "../quantized.ts";
import type { Runtime } from "../runtime.ts";
import type { CudaTensor } from "../tensor.ts";

const tileKernels = {
  f32: { 64: "linearTile64_f32", 128: "linearTile128_f32" },
  f16: { 64: "linearTile64_f16", 128: "linearTile128_f16" },
  bf16: { 64: "linearTile64_bf16", 128: "linearTile128_bf16" },
  quantized: { 64: "linearTile64_quantized", 128: "linearTile128_quantized" },
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
  // The GPU kernels for few rows count the elements of a group and quantised blocks in 32 bits, and the one that adds the bias
  // counts the elements of y.
  const inGroups = rows <= fewRows || runtime.batchInvariant;
  const isCounted = fewRows * x.rowStride < 2 ** 32 && blockCount(weight) < 2 ** 32;
  if (inGroups && isCounted) rowProduct(runtime, call);
  else if (bias && rows * outFeatures >= 2 ** 32) tileProduct(runtime, call);
  else if (usesBlas(runtime, weight.dtype, rows, inFeatures, outFeatures, x.rowStride)) {
    blasProduct(runtime, call);
  } else tileProduct(runtime, call);
  return y;
};

/** Quantised blocks of a weight; 0 for a float type. */
function blockCount({ dtype, shape }: CudaTensor): number {
  return isQuantized(dtype) ? elementCount(shape) / formats[dtype].blockElements : 0;
}

function rowProduct(runtime: Runtime, { x, weight, bias, y, rows, inFeatures, outFeatures }: Call): void {
  const { kernel, grid, lanes } = rowPlan(weight.dtype as WeightDType, rows, inFeatures, outFeatures);
  // The GPU kernels for quantised weights load four numbers of x at a time.
  const isAligned = byteOffset(x.dtype, x.offset) % 16 === 0 && x.rowStride % 4 === 0;
  using copy = isQuantized(weight.dtype) && !isAligned ? copyRows(runtime, "linear", x) : undefined;
  const from = copy ?? x;
  const args = [from, weight, bias, y, rows, inFeatures, outFeatures, from.rowStride, lanes];
  runtime.launch("linear", kernel, grid, 256, args);
}

function tileProduct(runtime: Runtime, { x, weight, bias, y, rows, inFeatures, outFeatures }: Call): void {
  const type = quantizedIndex(weight);
  const sizes = [rows, inFeatures, outFeatures, x.rowStride, ...(type === undefined ? [] : [type])];
  tiledProduct(runtime, "linear", {
    m: rows,
    n: outFeatures,
    k: inFeatures,
    kernels: tileKernels[type === undefined ? (weight.dtype as FloatDType) : "quantized"],
    result: y,
    bias,
    args: (target, shift) => [x, weight, shift, target, ...sizes],
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
