import {
  type FloatDType,
  formats,
  fromFloat32,
  type HostArray,
  hostLength,
  isQuantized,
  type QuantizedDType,
  toFloat32,
  type WeightDType,
} from "@mamba/kernel";
import type { TensorRows } from "../architectures/parameterSource.ts";
import { CheckpointError } from "../errors.ts";
import { firstNonFinite } from "./nonFinite.ts";
import type * as quantized from "./quantized.ts";

/** The functions for quantised values. Undefined where all types are known to be floats. */
export type Quantizers = typeof quantized;

/** Loads the functions for quantised values when one of the types is quantised. */
export async function quantizersFor(
  types: Iterable<WeightDType | undefined>,
): Promise<Quantizers | undefined> {
  for (const type of types) {
    if (type !== undefined && isQuantized(type)) return import("./quantized.ts");
  }
  return undefined;
}

/** The values in some bytes of a file, as a view. Little-endian, as all engines are. */
export function viewValues(bytes: Uint8Array, dtype: WeightDType): HostArray {
  const { buffer, byteOffset, byteLength } = bytes;
  if (isQuantized(dtype)) return bytes;
  return dtype === "f32"
    ? new Float32Array(buffer, byteOffset, byteLength / Float32Array.BYTES_PER_ELEMENT)
    : new Uint16Array(buffer, byteOffset, byteLength / Uint16Array.BYTES_PER_ELEMENT);
}

/** The bytes of some values, as a view. */
export function viewBytes({ buffer, byteOffset, byteLength }: HostArray): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** How the values of a file become those of a parameter, or the other way round. */
export interface Conversion {
  readonly from: WeightDType;
  readonly to: WeightDType;
  /** Elements of a row. Values with a quantised type on either side are whole rows. */
  readonly columns: number;
  /** Multiplies the values. */
  readonly factor: number;
  /** Applied to each value, in double precision: the logarithm or the exponential of the values of `A_log`. */
  readonly map: ((value: number) => number) | undefined;
  /** Element i of each row is element `order[i]` of the row; with `inverse` the other way round. */
  readonly order: Int32Array | undefined;
  /** Row i of each group of rows is row `rowOrder[i]` of the group; with `inverse` the other way round. Values are whole groups. */
  readonly rowOrder?: Int32Array | undefined;
  readonly inverse?: boolean;
  readonly quantizers: Quantizers | undefined;
}

/** The function that turns what a file stores into the values of the parameter. */
export function fromStored(stores: TensorRows["stores"]): Conversion["map"] {
  return stores && ((value) => Math.log(-value));
}

/** The function that turns the values of a parameter into what a file stores. */
export function toStored(stores: TensorRows["stores"]): Conversion["map"] {
  return stores && ((value) => -Math.exp(value));
}

/**
 * Values in another storage type, computed in f32; the same array when nothing changes. All are checked: a NaN or infinite weight
 * turns every result into NaN, rounding to f16 makes a value from 65520 on infinite, and a NaN has no place in a quantised block.
 *
 * @param where names the tensor, as "model.safetensors: lm_head.weight"
 * @param firstElement index of the first value in the tensor
 * @throws CheckpointError `NON_FINITE`
 */
export function convertValues(
  values: HostArray,
  conversion: Conversion,
  where: string,
  firstElement: number,
): HostArray {
  const { to, columns, rowOrder, inverse = false } = conversion;
  const converted = convertInOrder(values, conversion, where, firstElement);
  return rowOrder ? groupsInOrder(converted, rowOrder, hostLength(to, columns), inverse) : converted;
}

/** `convertValues` without the order of rows. */
function convertInOrder(
  values: HostArray,
  conversion: Conversion,
  where: string,
  firstElement: number,
): HostArray {
  const { from, to, columns, factor, map, order, inverse = false, quantizers } = conversion;
  if (from === to && factor === 1 && map === undefined && (order === undefined || !isQuantized(to))) {
    if (isQuantized(from)) checkScales(values as Uint8Array, from, where, firstElement, quantizers);
    else checkConverted(values, from, values, conversion, where, firstElement);
    return reorderRows(values, order, inverse);
  }
  if (isQuantized(from)) checkScales(values as Uint8Array, from, where, firstElement, quantizers);
  let floats = asFloat32(values, from, quantizers);
  const source = floats;
  if (factor !== 1) floats = floats.map((value) => value * factor);
  if (map) floats = floats.map((value) => map(value));
  if (!isQuantized(to)) {
    const rounded = fromFloat32(floats, to);
    checkConverted(rounded, to, source, conversion, where, firstElement);
    return reorderRows(rounded, order, inverse);
  }
  checkConverted(floats, "f32", source, conversion, where, firstElement);
  const ordered = reorderRows(floats, order, inverse) as Float32Array;
  const blocks = required(quantizers).quantize(ordered, to, columns);
  const block = required(quantizers).checkBlocks(blocks, to);
  if (block === -1) return blocks;
  const element = firstElement + block * formats[to].blockElements;
  const problem = `${where}: the values from element ${element} on are too large for ${to}`;
  throw new CheckpointError("NON_FINITE", `${problem}; store the weights as bf16 or f32`);
}

/** Values of any type as f32, exactly. The same array when they are f32. */
export function asFloat32(
  values: HostArray,
  dtype: WeightDType,
  quantizers: Quantizers | undefined,
): Float32Array {
  return isQuantized(dtype)
    ? required(quantizers).dequantize(values as Uint8Array, dtype)
    : toFloat32(values, dtype);
}

function required(quantizers: Quantizers | undefined): Quantizers {
  if (quantizers) return quantizers;
  throw new Error("the quantisers were not loaded");
}

/** The elements of each row in another order; the same array without one. */
function reorderRows(values: HostArray, order: Int32Array | undefined, inverse: boolean): HostArray {
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

/** The rows of each group in another order. */
function groupsInOrder(values: HostArray, order: Int32Array, rowLength: number, inverse: boolean): HostArray {
  const out = values.slice();
  for (let group = 0; group < values.length; group += order.length * rowLength) {
    for (const [i, from] of order.entries()) {
      const [to, source] = inverse ? [from, i] : [i, from];
      const start = group + source * rowLength;
      out.set(values.subarray(start, start + rowLength), group + to * rowLength);
    }
  }
  return out;
}

/** @throws CheckpointError `NON_FINITE` when a block has a scale that is NaN or infinite */
function checkScales(
  blocks: Uint8Array,
  dtype: QuantizedDType,
  where: string,
  firstElement: number,
  quantizers: Quantizers | undefined,
): void {
  const block = required(quantizers).checkBlocks(blocks, dtype);
  if (block === -1) return;
  const element = firstElement + block * formats[dtype].blockElements;
  const problem = `${where}: the block of element ${element} has a scale that is NaN or infinite`;
  throw new CheckpointError("NON_FINITE", `${problem}; the weights are damaged`);
}

/**
 * Checks f32 values.
 *
 * @throws CheckpointError `NON_FINITE`
 */
export function checkFinite(values: Float32Array, where: string): void {
  checkConverted(values, "f32", values, { factor: 1, map: undefined, to: "f32" }, where, 0);
}

/** @param source the values before factor, map and rounding */
function checkConverted(
  values: HostArray,
  dtype: FloatDType,
  source: HostArray,
  { factor, map, to }: Pick<Conversion, "factor" | "map" | "to">,
  where: string,
  firstElement: number,
): void {
  const at = firstNonFinite(values, dtype);
  if (at === -1) return;
  const [stored = NaN] = toFloat32(
    source.subarray(at, at + 1),
    source instanceof Float32Array ? "f32" : dtype,
  );
  const value = stored * factor;
  const what = `${where}: element ${firstElement + at} is ${value}`;
  if (!Number.isFinite(value)) throw new CheckpointError("NON_FINITE", `${what}; the weights are damaged`);
  if (map && !Number.isFinite(map(value)))
    throw new CheckpointError(
      "NON_FINITE",
      `${what}, whose logarithm or exponential is not finite; the weights are damaged`,
    );
  const remedy = "store the weights as bf16 or f32";
  throw new CheckpointError("NON_FINITE", `${what}, which becomes infinite as ${to}; ${remedy}`);
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
