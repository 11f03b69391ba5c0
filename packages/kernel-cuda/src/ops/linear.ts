import { checkLinear, type FloatDType, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import type { CudaTensor } from "../tensor.ts";
import { addPartials } from "./addPartials.ts";
import { byBlas, tiledProduct } from "./gemm.ts";
import { gemvPlan, gemvRows } from "./gemvPlan.ts";

const tileKernels = {
  f32: { 64: "linearTile64_f32", 128: "linearTile128_f32" },
  f16: { 64: "linearTile64_f16", 128: "linearTile128_f16" },
  bf16: { 64: "linearTile64_bf16", 128: "linearTile128_bf16" },
} as const;

/** A checked call. */
interface Call {
  readonly input: CudaTensor;
  readonly matrix: CudaTensor;
  readonly bias: CudaTensor | undefined;
  readonly y: CudaTensor;
  readonly rows: number;
  readonly inFeatures: number;
  readonly outFeatures: number;
}

export function linear(runtime: Runtime, x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const { shape, ...sizes } = checkLinear(x, weight, bias);
  const op = "linear";
  runtime.checkOpen(op);
  const input = runtime.own(op, "x", x);
  const matrix = runtime.own(op, "weight", weight);
  const offsets = runtime.ownIf(op, "bias", bias);
  const call = { input, matrix, bias: offsets, y: runtime.result(op, shape), ...sizes };
  const { rows, inFeatures, outFeatures } = sizes;
  // The kernels for few rows count the elements of x in 32 bits.
  if (rows <= gemvRows && rows * input.rowStride < 2 ** 32) fewRows(runtime, call);
  // So does the kernel that adds the bias.
  else if (bias && rows * outFeatures >= 2 ** 32) tiles(runtime, call);
  else if (byBlas(runtime, weight.dtype as FloatDType, rows, inFeatures, outFeatures, input.rowStride)) {
    blasProduct(runtime, call);
  } else tiles(runtime, call);
  return call.y;
}

function fewRows(runtime: Runtime, { input, matrix, bias, y, rows, inFeatures, outFeatures }: Call): void {
  const { kernel, grid, lanes } = gemvPlan(matrix.dtype as FloatDType, rows, inFeatures, outFeatures);
  const args = [input, matrix, bias, y, rows, inFeatures, outFeatures, input.rowStride, lanes];
  runtime.launch("linear", kernel, grid, 256, args);
}

function tiles(runtime: Runtime, { input, matrix, bias, y, rows, inFeatures, outFeatures }: Call): void {
  tiledProduct(runtime, "linear", {
    m: rows,
    n: outFeatures,
    k: inFeatures,
    kernels: tileKernels[matrix.dtype as FloatDType],
    result: y,
    bias,
    args: (target, shift) => [input, matrix, shift, target, rows, inFeatures, outFeatures, input.rowStride],
  });
}

/** Column-major, yᵀ = weight · xᵀ. */
function blasProduct(
  runtime: Runtime,
  { input, matrix, bias, y, rows, inFeatures, outFeatures }: Call,
): void {
  runtime.sgemm("linear", {
    ...{ transA: true, transB: false, m: outFeatures, n: rows, k: inFeatures },
    ...{ a: matrix, lda: inFeatures, b: input, ldb: input.rowStride, c: y, ldc: outFeatures },
  });
  if (bias) addPartials(runtime, "linear", y, y, { count: rows * outFeatures, shares: 1 }, bias);
}
