import { type FloatDType, fromFloat32, type HostArray, toFloat32 } from "@mamba/kernel";
import { CheckpointError } from "../errors.ts";
import { firstNonFinite } from "./nonFinite.ts";

/** The values in some bytes of a file, as a view. Little-endian, as all engines are. */
export function viewValues({ buffer, byteOffset, byteLength }: Uint8Array, dtype: FloatDType): HostArray {
  return dtype === "f32"
    ? new Float32Array(buffer, byteOffset, byteLength / Float32Array.BYTES_PER_ELEMENT)
    : new Uint16Array(buffer, byteOffset, byteLength / Uint16Array.BYTES_PER_ELEMENT);
}

/** The bytes of some values, as a view. */
export function viewBytes({ buffer, byteOffset, byteLength }: HostArray): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Values in another storage type, multiplied in f32; the same array when nothing changes. */
export function convertValues(
  values: HostArray,
  from: FloatDType,
  to: FloatDType,
  factor: number,
): HostArray {
  if (factor === 1) return from === to ? values : fromFloat32(toFloat32(values, from), to);
  return fromFloat32(
    toFloat32(values, from).map((value) => value * factor),
    to,
  );
}

/**
 * The elements of each row in another order; the same array without one.
 *
 * @param order element i of a row of the result is element `order[i]` of the row; with `inverse` the other way round
 */
export function reorderRows(values: HostArray, order: Int32Array | undefined, inverse = false): HostArray {
  if (order === undefined) return values;
  const out = values.slice();
  for (let row = 0; row < values.length; row += order.length) {
    for (const [i, from] of order.entries()) {
      const [to, source] = inverse ? [from, i] : [i, from];
      out[row + to] = values[row + source] ?? NaN;
    }
  }
  return out;
}

/** Values, and their place for messages. */
export interface Converted {
  readonly values: HostArray;
  readonly dtype: FloatDType;
  readonly factor?: number;
}

/**
 * Checks values after a conversion: a NaN or infinite weight turns every result into NaN, and rounding to f16 makes a value
 * from 65520 on infinite.
 *
 * @param where names the tensor, as "model.safetensors: lm_head.weight"
 * @param firstElement index of the first value in the tensor
 * @throws CheckpointError `NON_FINITE`
 */
export function checkFinite(after: Converted, before: Converted, where: string, firstElement: number): void {
  const at = firstNonFinite(after.values, after.dtype);
  if (at === -1) return;
  const { values, dtype, factor = 1 } = before;
  const value = (toFloat32(values.subarray(at, at + 1), dtype)[0] ?? NaN) * factor;
  const what = `${where}: element ${firstElement + at} is ${value}`;
  if (!Number.isFinite(value)) throw new CheckpointError("NON_FINITE", `${what}; the weights are damaged`);
  const remedy = "store the weights as bf16 or f32";
  throw new CheckpointError("NON_FINITE", `${what}, which becomes infinite as ${after.dtype}; ${remedy}`);
}

/** A matrix in rows [rows, columns] as [columns, rows]. */
export function transpose(values: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++)
      out[column * rows + row] = values[row * columns + column] ?? NaN;
  }
  return out;
}
