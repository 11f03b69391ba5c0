import { fallbackType } from "@mamba/kernel/quantize";
import { isQuantized, lastExtent, type Shape, type WeightDType } from "@mamba/kernel";

/**
 * Types of whole GGUF files: that of most matrices. In the variants `_s` and `_m` of llama.cpp's K types some matrices of attention and MLPs
 * have more bits. Mamba blocks have neither: their tensors are those of the type without suffix, and `general.file_type` differs.
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
 * The type of a tensor in a GGUF file of a type, without regard to the variants `_s` and `_m`, as llama.cpp writes it: F32 for vectors,
 * norms, the convolution, routers of experts, and names that do not end in `weight` (`ssm_a`, `ssm_d`); `matrixTypeFor` for matrices.
 *
 * @param name of the tensor in the file, such as "blk.0.ssm_in.weight"
 * @param hasOutput true when the file has `output.weight`; without it the embedding table is the output matrix. Default false
 */
export function ggufTypeOf(name: string, shape: Shape, type: GgufFileType, hasOutput = false): WeightDType {
  return typeWith(name, shape, matrixType(type), hasOutput);
}

function typeWith(name: string, shape: Shape, type: WeightDType, hasOutput: boolean): WeightDType {
  const isMatrix =
    shape.length >= 2 &&
    name.endsWith("weight") &&
    !name.includes("_norm.weight") &&
    !name.includes("ssm_conv1d") &&
    !name.includes("ffn_gate_inp.weight");
  if (!isMatrix) return "f32";
  const isOutput = name === "output.weight" || (!hasOutput && name === "token_embd.weight");
  return matrixTypeFor(type, lastExtent(shape), isOutput);
}

/**
 * Chooses the types of all tensors of a GGUF file, as llama.cpp's quantisation does: `ggufTypeOf`, and in the variants `_s` and `_m` more
 * bits for `attn_v` and `ffn_down` of some layers.
 *
 * @param names of all tensors of the file
 */
export function ggufTypes(
  names: Iterable<string>,
  type: GgufFileType,
): (name: string, shape: Shape) => WeightDType {
  const all = [...new Set(names)];
  const hasOutput = all.includes("output.weight");
  const layers = Math.max(...all.map(layerOf)) + 1;
  const hasExperts = all.some((name) => name.includes("_exps."));
  const placed = new Map<string, { readonly place: number; readonly count: number }>();
  const values = all.filter((name) => mixedKind(name) === "attn_v");
  const downs = all.filter((name) => mixedKind(name) === "ffn_down");
  for (const [place, name] of values.sort(byLayer).entries())
    placed.set(name, { place, count: values.length });
  for (const [i, name] of downs.sort(byLayer).entries())
    placed.set(name, { place: hasExperts ? layerOf(name) : i, count: layers });
  return (name, shape) => {
    const kind = mixedKind(name);
    const { place, count } = placed.get(name) ?? {};
    const isPlaced = kind !== undefined && place !== undefined && count !== undefined;
    const better = isPlaced ? betterType(type, kind, place, count) : undefined;
    return typeWith(name, shape, better ?? matrixType(type), hasOutput);
  };
}

type MixedKind = "attn_v" | "ffn_down";

/** The kinds of matrices that have more bits in some layers. */
function mixedKind(name: string): MixedKind | undefined {
  if (name.includes("attn_v.weight")) return "attn_v";
  return name.includes("ffn_down") && name.endsWith("weight") ? "ffn_down" : undefined;
}

/** The number of the layer of a tensor; -1 for one outside of the layers. */
function layerOf(name: string): number {
  return Number(/^blk\.(\d+)\./.exec(name)?.[1] ?? -1);
}

function byLayer(a: string, b: string): number {
  return layerOf(a) - layerOf(b);
}

/**
 * The type with more bits of the matrix at `place` of `count`; undefined where it has that of the others. llama.cpp counts `attn_v` among
 * the layers of attention, and `ffn_down` among all layers: by its number, or by that of the layer in models with experts.
 */
function betterType(
  type: GgufFileType,
  kind: MixedKind,
  place: number,
  count: number,
): WeightDType | undefined {
  const eighth = Math.trunc(count / 8);
  if (type === "q4_k_m" || type === "q5_k_m") {
    const isLast = place >= Math.trunc((7 * count) / 8);
    return place < eighth || isLast || (place - eighth) % 3 === 2 ? "q6_k" : undefined;
  }
  if (type !== "q4_k_s") return undefined;
  return place < (kind === "attn_v" ? 4 : eighth) ? "q5_k" : undefined;
}
