import { fallbackType } from "@mamba/kernel/quantize";
import { isQuantized, lastExtent, type Shape, type WeightDType } from "@mamba/kernel";

/**
 * Types of whole GGUF files: that of most matrices. The variants `_s` and `_m` of llama.cpp's K types differ in attention layers, which
 * Mamba has not: their tensors are those of the type without suffix, and `general.file_type` differs.
 */
export type GgufFileType = WeightDType | "q4_k_s" | "q4_k_m" | "q5_k_s" | "q5_k_m";

/** `general.file_type` by the type of a file, as llama.cpp numbers them. */
export const fileTypeIds: Readonly<Record<GgufFileType, number>> = {
  f32: 0,
  f16: 1,
  q4_0: 2,
  q4_1: 3,
  q8_0: 7,
  q5_0: 8,
  q5_1: 9,
  q4_k_s: 14,
  q4_k_m: 15,
  q4_k: 15,
  q5_k_s: 16,
  q5_k_m: 17,
  q5_k: 17,
  q6_k: 18,
  iq4_nl: 25,
  bf16: 32,
};

/** The storage type that a file's type gives most matrices. */
function matrixType(type: GgufFileType): WeightDType {
  return type.replace(/_[sm]$/, "") as WeightDType;
}

/**
 * The type of a matrix in a file of a type, as llama.cpp's quantisation chooses it: the output matrix is Q6_K in files of 4, 5 and 6
 * bits, as it matters most, and Q8_0 where its rows are no multiple of 256; rows that are no whole blocks take the type's fallback.
 *
 * @param columns elements of a row
 * @param isOutput true for the head, and for the embedding table when there is no head
 */
export function matrixTypeFor(type: WeightDType, columns: number, isOutput: boolean): WeightDType {
  if (!isQuantized(type)) return type;
  if (!isOutput) return fallbackType(type, columns);
  return fallbackType(type === "q8_0" || columns % 256 !== 0 ? "q8_0" : "q6_k", columns);
}

/**
 * The type of a tensor in a GGUF file of a type, as llama.cpp writes it: F32 for vectors, norms, the convolution, and names that do not
 * end in `weight` (`ssm_a`, `ssm_d`); `matrixTypeFor` for matrices.
 *
 * @param name of the tensor in the file, such as "blk.0.ssm_in.weight"
 * @param hasOutput true when the file has `output.weight`; without it the embedding table is the output matrix. Default false
 */
export function ggufTypeOf(name: string, shape: Shape, type: GgufFileType, hasOutput = false): WeightDType {
  const isMatrix =
    shape.length >= 2 &&
    name.endsWith("weight") &&
    !name.includes("_norm.weight") &&
    !name.includes("ssm_conv1d");
  if (!isMatrix) return "f32";
  const isOutput = name === "output.weight" || (!hasOutput && name === "token_embd.weight");
  return matrixTypeFor(matrixType(type), lastExtent(shape), isOutput);
}
