import type { ParameterSpec } from "@mamba/core";
import { formats, type HostArray, hostLength, lastExtent, type WeightDType } from "@mamba/kernel";
import type { TensorRows } from "../architectures/parameterSource.ts";

/** Elements [start, end) of a parameter: whole rows. */
export type ElementRange = readonly [start: number, end: number];

/** Some rows of a parameter. */
export interface ValuesChunk {
  /** In the type of the parameter's values. */
  readonly values: HostArray;
  /** The form of the values: "negExp" when they are -exp(x) for each value x of the parameter. */
  readonly stores: TensorRows["stores"];
}

/** The values of a parameter, in memory, on a kernel or in files. */
export interface ParameterValues {
  readonly dtype: WeightDType;
  /** Their type where they are stored, when it is another one. */
  readonly storedAs?: WeightDType;
  /**
   * Yields the values of `range` in order, in chunks of whole rows. A chunk may be overwritten when the next one is asked for.
   *
   * @param stores the form that the caller needs: values that are stored in it come unchanged
   */
  chunks(range: ElementRange, stores?: TensorRows["stores"]): AsyncIterable<ValuesChunk>;
}

/** Gives the values of a parameter. */
export type ValuesOf = (spec: ParameterSpec) => ParameterValues;

/** Bytes of values that are converted at a time. */
const chunkBytes = 2 * 2 ** 20;

/**
 * Values that are read as a whole, such as those on a kernel.
 *
 * @param read called when the values are written
 */
export function wholeValues(
  { shape }: ParameterSpec,
  dtype: WeightDType,
  read: () => Promise<HostArray>,
): ParameterValues {
  return {
    dtype,
    async *chunks([start, end]) {
      const values = (await read()).subarray(hostLength(dtype, start), hostLength(dtype, end));
      const rowLength = hostLength(dtype, lastExtent(shape));
      const rowBytes = rowLength * formats[dtype].hostArray.BYTES_PER_ELEMENT;
      const step = rowLength * Math.max(1, Math.floor(chunkBytes / rowBytes));
      for (let at = 0; at < values.length; at += step) {
        yield { values: values.subarray(at, at + step), stores: undefined };
      }
    },
  };
}

/**
 * Chunks that are multiples of `unit` array elements, from chunks of any sizes.
 *
 * @param unit divides the length of all chunks together
 */
export async function* inUnits(
  chunks: AsyncIterable<ValuesChunk>,
  unit: number,
): AsyncGenerator<ValuesChunk, void, undefined> {
  let rest: HostArray | undefined;
  for await (const { values, stores } of chunks) {
    let joined = values;
    if (rest) {
      joined = new (values.constructor as Float32ArrayConstructor)(rest.length + values.length);
      joined.set(rest);
      joined.set(values, rest.length);
    }
    const whole = joined.length - (joined.length % unit);
    if (whole > 0) yield { values: joined.subarray(0, whole), stores };
    rest = whole < joined.length ? joined.slice(whole) : undefined;
  }
}
