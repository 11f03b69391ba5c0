import type { ParameterSpec } from "@mamba/core";
import { type TensorToWrite, toSafetensorsDType } from "@mamba/core/safetensors";
import {
  elementCount,
  type FloatDType,
  type HostArray,
  hostArray,
  hostLength,
  isQuantized,
  lastExtent,
  type Shape,
  type WeightDType,
} from "@mamba/kernel";
import type { ParameterSource, TensorRows } from "../architectures/parameterSource.ts";
import { CheckpointError } from "../errors.ts";
import { convertValues, quantizersFor, toStored, viewBytes } from "./convert.ts";
import { chunkElements } from "./match.ts";

/** The values of a parameter. */
export interface ParameterValues {
  readonly dtype: WeightDType;
  /** Type to write, when it is not that of the values. */
  readonly storedAs?: WeightDType;
  readonly read: () => Promise<HostArray>;
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

/** A tensor of a file, and the parameters that hold its rows. */
interface FileTensor {
  readonly name: string;
  readonly shape: Shape;
  readonly chunks: {
    readonly spec: ParameterSpec;
    /** Index of the chunk's first element in the parameter and in the tensor. */
    readonly inParameter: number;
    readonly inTensor: number;
    readonly count: number;
    readonly factor: number;
    readonly stores: TensorRows["stores"];
    readonly order: Int32Array | undefined;
  }[];
}

/** Reads the table of sources in the other direction: the tensors of the file, in the order of the parameters. */
function fileTensors(sources: readonly ParameterSource[]): FileTensor[] {
  const tensors = new Map<string, FileTensor>();
  for (const { spec, chunks } of sources) {
    let inParameter = 0;
    for (const rows of chunks) {
      const { names, shapes, rows: [start] = [0], factor = 1, stores, order } = rows;
      const [name] = names;
      const [shape] = shapes;
      const tensor = tensors.get(name) ?? { name, shape, chunks: [] };
      tensors.set(name, tensor);
      const count = chunkElements(rows);
      const inTensor = start * elementCount(shape.slice(1));
      tensor.chunks.push({ spec, inParameter, inTensor, count, factor, stores, order });
      inParameter += count;
    }
  }
  return [...tensors.values()];
}

/**
 * The tensors of a file that holds a model's parameters.
 *
 * @param dtype storage type of the large matrices. Default: as their values have it. Everything else is written as f32
 * @param valuesOf gives the values of a parameter
 * @returns tensors whose `bytes` throw CheckpointError `NON_FINITE` for a value that is NaN or infinite, or becomes infinite
 */
export function tensorsToWrite(
  sources: readonly ParameterSource[],
  dtype: FloatDType | undefined,
  valuesOf: (spec: ParameterSpec) => ParameterValues,
): TensorToWrite[] {
  return fileTensors(sources).map(({ name, shape, chunks }) => {
    const [first, ...others] = new Set(
      chunks.map(({ spec }) =>
        spec.storage === "any" ? (dtype ?? storageOf(valuesOf(spec), spec.name)) : "f32",
      ),
    );
    const target = others.length > 0 ? "f32" : (first ?? "f32");
    return {
      name,
      dtype: toSafetensorsDType(target),
      shape,
      async bytes() {
        const whole = hostArray(target, elementCount(shape));
        for (const { spec, inParameter, inTensor, count, factor, stores, order } of chunks) {
          const { dtype: from, read } = valuesOf(spec);
          const quantizers = await quantizersFor([from]);
          const [begin, end] = [inParameter, inParameter + count].map((element) => hostLength(from, element));
          const chunk = (await read()).subarray(begin, end);
          const columns = lastExtent(spec.shape);
          const [scale, map] = [1 / factor, toStored(stores)];
          const how = { from, to: target, columns, factor: scale, map, order, inverse: true, quantizers };
          const values = convertValues(chunk, how, spec.name, inParameter);
          if (count === whole.length) return viewBytes(values);
          whole.set(values, inTensor);
        }
        return viewBytes(whole);
      },
    };
  });
}
