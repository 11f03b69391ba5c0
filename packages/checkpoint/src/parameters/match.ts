import { nearestName, type ParameterSpec } from "@mamba/core";
import { type ByteRange, show } from "@mamba/core/safetensors";
import { byteLength, byteOffset, type Shape, type WeightDType } from "@mamba/kernel";
import {
  chunkElements,
  type ParameterSource,
  rowElements,
  type TensorRows,
} from "../architectures/parameterSource.ts";
import { CheckpointError } from "../errors.ts";
import { storageType } from "../formats/storedTypes.ts";
import type { LocatedTensor, Weights } from "../formats/weights.ts";

/** A chunk of a parameter, and the bytes of the stored tensor that fill it. */
export interface MatchedChunk {
  readonly tensor: LocatedTensor;
  readonly dtype: WeightDType;
  /** Bytes of the tensor. */
  readonly bytes: ByteRange;
  /** Index of the chunk's first element in the parameter. */
  readonly firstElement: number;
  readonly factor: number;
  readonly stores: TensorRows["stores"];
  readonly order: Int32Array | undefined;
  readonly rowOrder: Int32Array | undefined;
}

/** A parameter of the model, and the stored tensors that fill it. */
export interface MatchedParameter {
  readonly spec: ParameterSpec;
  /** Storage type in the file; f32, which holds all others exactly, when its chunks differ. */
  readonly dtype: WeightDType;
  readonly chunks: readonly MatchedChunk[];
}

/**
 * Finds the stored tensors of every parameter. Every tensor of the file must have a place.
 *
 * @param unused tensors that the file may hold although the model does not use them; the value is the reason
 * @returns the parameters, and notes about tensors that are not read
 * @throws CheckpointError `MISSING_TENSOR`, `EXTRA_TENSOR`, `TENSOR_SHAPE`, `DTYPE`
 */
export function matchParameters(
  sources: readonly ParameterSource[],
  { tensors }: Weights,
  label: string,
  unused: ReadonlyMap<string, string> = new Map(),
): { parameters: MatchedParameter[]; notes: string[] } {
  const left = new Set(tensors.keys());
  const parameters = sources.map(({ spec, chunks }): MatchedParameter => {
    let firstElement = 0;
    const matched = chunks.map((rows): MatchedChunk => {
      const { key, chunk } = matchChunk(rows, tensors, label, firstElement, () =>
        unexpected(sources, tensors),
      );
      left.delete(key);
      firstElement += chunkElements(rows);
      return chunk;
    });
    const [first, ...others] = new Set(matched.map(({ dtype }) => dtype));
    return { spec, dtype: others.length > 0 ? "f32" : (first ?? "f32"), chunks: matched };
  });
  const unread = new Map<string, string[]>(); // names by reason
  for (const [name, reason] of unused) {
    if (left.delete(name)) unread.set(reason, [...(unread.get(reason) ?? []), name]);
  }
  const notes = [...unread].map(([reason, [name = "", ...others]]) => {
    const more = others.length > 0 ? ` (and ${others.length} more)` : "";
    return `the file holds ${name}${more}, but ${reason}: it was not read`;
  });
  const [extra] = left;
  if (extra !== undefined) {
    const more = left.size > 1 ? ` (and ${left.size - 1} more)` : "";
    throw new CheckpointError(
      "EXTRA_TENSOR",
      `${label}: the config has no place for the tensor ${show(extra)}${more}`,
    );
  }
  return { parameters, notes };
}

function matchChunk(
  { names, shapes, rows, factor = 1, stores, order, rowOrder }: TensorRows,
  tensors: Weights["tensors"],
  label: string,
  firstElement: number,
  others: () => Weights["tensors"],
): { readonly key: string; readonly chunk: MatchedChunk } {
  const [shape] = shapes;
  const key = names.find((name) => tensors.has(name)) ?? names[0];
  const tensor = tensors.get(key);
  if (!tensor) {
    const problem = `${label}: the config requires ${names[0]} ${show(shape)}, which is missing`;
    throw new CheckpointError("MISSING_TENSOR", `${problem}${likeliest(names[0], others())}`);
  }
  if (!shapes.some((allowed) => isSameShape(tensor.shape, allowed))) {
    const message = `${label}: ${show(tensor.name)} must be ${show(shape)} by the config, got ${show(tensor.shape)}`;
    throw new CheckpointError("TENSOR_SHAPE", message);
  }
  const dtype = storageType(tensor.dtype);
  if (dtype === undefined || dtype === "i32") {
    const types = "F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, IQ4_NL, Q4_K, Q5_K and Q6_K";
    const message = `${label}: ${show(tensor.name)} is ${tensor.dtype}, models are loaded from ${types}`;
    throw new CheckpointError("DTYPE", message);
  }
  const bytes = bytesOfRows(dtype, shape, rows);
  return { key, chunk: { tensor, dtype, bytes, firstElement, factor, stores, order, rowOrder } };
}

/** The tensors that no parameter is looked up in. */
function unexpected(sources: readonly ParameterSource[], tensors: Weights["tensors"]): Weights["tensors"] {
  const expected = new Set(sources.flatMap(({ chunks }) => chunks.flatMap(({ names }) => names)));
  return new Map([...tensors].filter(([name]) => !expected.has(name)));
}

/** A hint: the tensor among `others` that is probably meant. Names of several modules end alike: the longer, the likelier. */
function likeliest(name: string, others: Weights["tensors"]): string {
  const components = name.split(".").reverse();
  const inCommon = (other: string) => {
    const theirs = other.split(".").reverse();
    return components.findIndex((component, i) => component !== theirs[i]);
  };
  let found = nearestName(name, others.keys());
  let longest = 1; // ".weight" alone says nothing
  for (const other of found === undefined ? others.keys() : []) {
    const length = inCommon(other);
    if (length > longest) [found, longest] = [other, length];
  }
  const tensor = found === undefined ? undefined : others.get(found);
  return tensor ? `; the likeliest in the file is ${show(tensor.name)} ${show(tensor.shape)}` : "";
}

function bytesOfRows(dtype: WeightDType, shape: Shape, rows: TensorRows["rows"]): ByteRange {
  if (rows === undefined) return [0, byteLength(dtype, shape)];
  const [start, end] = rows.map((row) => row * rowElements(shape));
  return [byteOffset(dtype, start ?? 0), byteOffset(dtype, end ?? 0)];
}

function isSameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((extent, i) => extent === b[i]);
}
