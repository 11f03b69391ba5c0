import { byteOffset, type FloatDType, isQuantized, type WeightDType } from "@mamba/kernel";
import { copyRows } from "../copyRows.ts";
import { choiceTiles, expertIndex, expertWords, tilesOf, tileThreads } from "../experts/choices.ts";
import type { Op } from "../op.ts";
import { rowPlan } from "../products/rowPlan.ts";
import { quantizedIndex } from "../quantized.ts";

const tileKernels = {
  f32: "expertTile_f32",
  f16: "expertTile_f16",
  bf16: "expertTile_bf16",
  quantized: "expertTile_quantized",
} as const;

/** With fewer choices per expert on average, each choice reads the weights of its expert. */
const fewChoices = 4;

export const expertLinear: Op<"expertLinear"> = (runtime, { shared, ...sizes }, { x, weight, experts }) => {
  const op = "expertLinear";
  const { rows, perToken, expertCount, inFeatures, outFeatures } = sizes;
  const y = runtime.result(op, [rows, perToken, outFeatures]);
  const choices = rows * perToken;
  if (runtime.batchInvariant || choices < fewChoices * expertCount) {
    const dtype = weight.dtype as WeightDType;
    const { grid, lanes } = rowPlan(dtype, 1, inFeatures, outFeatures);
    // The GPU kernels for quantised weights load four numbers of x at a time.
    const isAligned = byteOffset(x.dtype, x.offset) % 16 === 0 && x.rowStride % 4 === 0;
    using copy = isQuantized(dtype) && !isAligned ? copyRows(runtime, op, x) : undefined;
    const from = copy ?? x;
    const args = [from, weight, experts, y, expertWords(sizes, from, shared), lanes, grid];
    runtime.launch(op, `expertRow_${dtype}`, grid * choices, 256, args);
    return y;
  }
  const type = quantizedIndex(weight);
  using index = expertIndex(runtime, op, experts, sizes);
  const blocks = choiceTiles(sizes) * tilesOf(outFeatures);
  const given = [x, weight, index, y, expertWords(sizes, x, shared)];
  const kernel = tileKernels[type === undefined ? (weight.dtype as FloatDType) : "quantized"];
  runtime.launch(op, kernel, blocks, tileThreads, type === undefined ? given : [...given, type]);
  return y;
};
