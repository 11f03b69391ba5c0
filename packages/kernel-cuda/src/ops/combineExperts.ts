import type { Op } from "../op.ts";
import type { CudaTensor } from "../tensor.ts";

/** The words of CombineSizes in cuda/combineExperts.cu. */
export function combineWords(
  { rows, perToken, outFeatures }: Parameters<Op<"combineExperts">>[1],
  y: CudaTensor,
  weights: CudaTensor,
): Uint32Array {
  return Uint32Array.of(rows, perToken, outFeatures, y.rowStride, weights.rowStride);
}

export const combineExperts: Op<"combineExperts"> = (runtime, sizes, y, weights) => {
  const op = "combineExperts";
  const { rows, outFeatures } = sizes;
  const out = runtime.result(op, [rows, outFeatures]);
  const blocks = Math.ceil((rows * outFeatures) / 256);
  runtime.launch(op, op, blocks, 256, [y, weights, out, combineWords(sizes, y, weights)]);
  return out;
};
