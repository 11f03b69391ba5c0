import type { FloatDType } from "@mamba/kernel";
import { choiceTiles, expertIndex, expertWords, tilesOf, tileThreads } from "../experts/choices.ts";
import type { Op } from "../op.ts";
import { quantizedIndex } from "../quantized.ts";

const kernels = {
  f32: "expertBackwardInput_f32",
  f16: "expertBackwardInput_f16",
  bf16: "expertBackwardInput_bf16",
  quantized: "expertBackwardInput_quantized",
} as const;

export const expertLinearBackwardInput: Op<"expertLinearBackwardInput"> = (
  runtime,
  sizes,
  dy,
  weight,
  experts,
) => {
  const op = "expertLinearBackwardInput";
  const { rows, perToken, inFeatures } = sizes;
  const dx = runtime.result(op, [rows, perToken, inFeatures]);
  const type = quantizedIndex(weight);
  using index = expertIndex(runtime, op, experts, sizes);
  const blocks = choiceTiles(sizes) * tilesOf(inFeatures);
  const given = [dy, weight, index, dx, expertWords(sizes, dy, false)];
  const kernel = kernels[type === undefined ? (weight.dtype as FloatDType) : "quantized"];
  runtime.launch(op, kernel, blocks, tileThreads, type === undefined ? given : [...given, type]);
  return dx;
};
