import type { ParameterSpec } from "@mamba/core";
import {
  type FloatDType,
  formats,
  hostLength,
  isQuantized,
  lastExtent,
  type Shape,
  type WeightDType,
} from "@mamba/kernel";
import {
  chunkElements,
  type ParameterSource,
  rowElements,
  type TensorRows,
} from "../architectures/parameterSource.ts";
import { CheckpointError } from "../errors.ts";
import { convertValues, type Conversion, quantizersFor, toStored, viewBytes } from "./convert.ts";
import { ErrorMeter, type WriteError } from "./errorMeter.ts";
import { inUnits, type ParameterValues, type ValuesOf } from "./values.ts";

/** A tensor of a file that is about to be written. */
export interface TensorOfFile {
  readonly name: string;
  /** Type of its values in the file. */
  readonly dtype: WeightDType;
  readonly shape: Shape;
  /** Yields its bytes in chunks. A chunk may be overwritten when the next one is asked for. */
  chunks(): AsyncIterable<Uint8Array>;
}

/** A tensor that was written. */
export interface WrittenTensor {
  /** Its name in the file. */
  readonly name: string;
  /** Type of its values where they came from; f32 for a tensor that is joined from several types. */
  readonly from: WeightDType;
  /** Type of its values in the file. */
  readonly to: WeightDType;
  readonly shape: Shape;
  readonly bytes: number;
  /** Compares the values in the file with those that they were made of. */
  readonly error: WriteError;
}

/** Chooses the types of a file's tensors. */
export interface WriteRules {
  /** The type of the values of a parameter in a tensor. A tensor with values of several types is f32. */
  typeOf(tensor: { readonly name: string; readonly shape: Shape }, spec: ParameterSpec): WeightDType;
  readonly valuesOf: ValuesOf;
  /** Tensors are written in the order of these numbers of their parameters. Default: in the order of the parameters. */
  readonly positionOf?: ((spec: ParameterSpec) => number) | undefined;
  /** Called when a tensor was written. Without it no error is measured. */
  readonly onTensor?: ((tensor: WrittenTensor) => void) | undefined;
}

/**
 * The type in which values are written to a safetensors file unless another one is requested.
 *
 * @param name for the message
 * @throws CheckpointError `DTYPE` for a quantised type, which the format does not have
 */
export function storageOf({ dtype, storedAs = dtype }: ParameterValues, name: string): FloatDType {
  if (!isQuantized(storedAs)) return storedAs;
  const remedy = 'write it as a GGUF file with saveGguf, or pass dtype "f16" to dequantise it';
  throw new CheckpointError(
    "DTYPE",
    `${name} is ${storedAs}, which safetensors files cannot hold; ${remedy}`,
  );
}

/** Rows of a tensor of a file, and the parameter that holds them. */
interface PlacedRows extends Pick<TensorRows, "factor" | "stores" | "order" | "rowOrder"> {
  readonly spec: ParameterSpec;
  /** Index of the first element in the parameter and in the tensor. */
  readonly inParameter: number;
  readonly inTensor: number;
  readonly count: number;
}

/** A tensor of a file, and the parameters that hold its rows. */
interface PlacedTensor {
  readonly name: string;
  readonly shape: Shape;
  readonly chunks: PlacedRows[];
}

/** Reads the table of sources in the other direction: the tensors of the file, in the order of the parameters. */
function placedTensors(sources: readonly ParameterSource[]): PlacedTensor[] {
  const tensors = new Map<string, PlacedTensor>();
  for (const { spec, chunks } of sources) {
    let inParameter = 0;
    for (const tensorRows of chunks) {
      const { names, shapes, rows: [start] = [0], ...form } = tensorRows;
      const [name] = names;
      const [shape] = shapes;
      const tensor = tensors.get(name) ?? { name, shape, chunks: [] };
      tensors.set(name, tensor);
      const count = chunkElements(tensorRows);
      const inTensor = start * rowElements(shape);
      tensor.chunks.push({ ...form, spec, inParameter, inTensor, count });
      inParameter += count;
    }
  }
  for (const { chunks } of tensors.values()) chunks.sort((a, b) => a.inTensor - b.inTensor);
  return [...tensors.values()];
}

/**
 * The tensors of a file that holds a model's parameters.
 *
 * @returns tensors whose `chunks` throw CheckpointError `NON_FINITE` for a value that is NaN or infinite, or becomes infinite
 */
export function tensorsToWrite(sources: readonly ParameterSource[], rules: WriteRules): TensorOfFile[] {
  const tensors = placedTensors(sources);
  const { positionOf } = rules;
  if (positionOf) {
    const place = ({ chunks }: PlacedTensor) => Math.min(...chunks.map(({ spec }) => positionOf(spec)));
    tensors.sort((a, b) => place(a) - place(b));
  }
  return tensors.map((tensor) => {
    const { name, shape, chunks } = tensor;
    const dtype = common(chunks.map(({ spec }) => rules.typeOf(tensor, spec)));
    return { name, shape, dtype, chunks: () => writtenChunks(tensor, dtype, rules) };
  });
}

/** The only type of a list; f32, which holds all others, when there are several. */
function common(types: readonly WeightDType[]): WeightDType {
  const [first = "f32", ...others] = new Set(types);
  return others.length > 0 ? "f32" : first;
}

async function* writtenChunks(
  { name, shape, chunks }: PlacedTensor,
  to: WeightDType,
  { valuesOf, onTensor }: WriteRules,
): AsyncGenerator<Uint8Array, void, undefined> {
  const meter = new ErrorMeter();
  const sources = chunks.map(({ spec }) => valuesOf(spec));
  let bytes = 0;
  for (const [i, { spec, inParameter, count, factor = 1, stores, order, rowOrder }] of chunks.entries()) {
    const source = sources[i] ?? valuesOf(spec);
    const { dtype: from } = source;
    const quantizers = await quantizersFor([from, to]);
    let element = inParameter;
    const columns = lastExtent(spec.shape);
    const read = source.chunks([inParameter, inParameter + count], stores);
    const unit = hostLength(from, columns) * (rowOrder?.length ?? 0);
    for await (const chunk of rowOrder ? inUnits(read, unit) : read) {
      const conversion: Conversion = {
        ...{
          from,
          to,
          columns,
          factor: 1 / factor,
          order,
          rowOrder,
          inverse: true,
          quantizers,
        },
        map: chunk.stores === stores ? undefined : toStored(stores),
      };
      const written = convertValues(chunk.values, conversion, name, element);
      // f32 holds the values of all other types.
      if (onTensor && to !== "f32" && written !== chunk.values) {
        const exact = convertValues(chunk.values, { ...conversion, to: "f32" }, name, element);
        meter.add(exact as Float32Array, written, to, quantizers);
      }
      const { blockBytes, blockElements } = formats[from];
      element += (chunk.values.byteLength / blockBytes) * blockElements;
      bytes += written.byteLength;
      yield viewBytes(written);
    }
  }
  const from = common(sources.map(({ dtype, storedAs = dtype }) => storedAs));
  onTensor?.({ name, from, to, shape, bytes, error: meter.result() });
}
