import { checkedProduct } from "./checkedProduct.ts";
import { dataError } from "./dataError.ts";

export type NumberArray =
  Float32Array | Float64Array | Int8Array | Int16Array | Int32Array | Uint8Array | Uint16Array | Uint32Array;

/** An array of numbers, row-major. */
export interface NumericArray {
  /** Names the array in messages. */
  readonly name: string;
  readonly shape: readonly number[];
  /** Integers of 64 bits are stored as float64. */
  readonly data: NumberArray;
}

/** A type of the elements of a file: its bytes, and how an array of it is read. */
export interface ElementType {
  readonly bytes: number;
  readonly create: (length: number) => NumberArray;
  readonly read: (view: DataView, offset: number, littleEndian: boolean) => number;
}

const wholeOf64Bits = (value: bigint): number => {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new RangeError(`${value} is beyond 2^53`);
  return number;
};

/** Types by NumPy's names. */
export const elementTypes: Readonly<Record<string, ElementType>> = {
  f4: { bytes: 4, create: (n) => new Float32Array(n), read: (v, o, e) => v.getFloat32(o, e) },
  f8: { bytes: 8, create: (n) => new Float64Array(n), read: (v, o, e) => v.getFloat64(o, e) },
  i1: { bytes: 1, create: (n) => new Int8Array(n), read: (v, o) => v.getInt8(o) },
  i2: { bytes: 2, create: (n) => new Int16Array(n), read: (v, o, e) => v.getInt16(o, e) },
  i4: { bytes: 4, create: (n) => new Int32Array(n), read: (v, o, e) => v.getInt32(o, e) },
  i8: { bytes: 8, create: (n) => new Float64Array(n), read: (v, o, e) => wholeOf64Bits(v.getBigInt64(o, e)) },
  u1: { bytes: 1, create: (n) => new Uint8Array(n), read: (v, o) => v.getUint8(o) },
  u2: { bytes: 2, create: (n) => new Uint16Array(n), read: (v, o, e) => v.getUint16(o, e) },
  u4: { bytes: 4, create: (n) => new Uint32Array(n), read: (v, o, e) => v.getUint32(o, e) },
  u8: {
    bytes: 8,
    create: (n) => new Float64Array(n),
    read: (v, o, e) => wholeOf64Bits(v.getBigUint64(o, e)),
  },
  b1: {
    bytes: 1,
    create: (n) => new Uint8Array(n),
    read(view, offset) {
      const value = view.getUint8(offset);
      if (value > 1) throw new RangeError(`a boolean is 0 or 1, not ${value}`);
      return value;
    },
  },
};

/**
 * Reads the elements that follow a header. Nothing is allocated before the number of bytes is known to be right.
 *
 * @throws TrainError `DATA` when the file has more or fewer bytes than the shape needs, or an element cannot be represented
 */
export function readElements(
  name: string,
  bytes: Uint8Array,
  { offset, shape, type, littleEndian }: ElementLayout,
): NumericArray {
  const length = checkedProduct(shape);
  const expected = length * type.bytes;
  if (!Number.isSafeInteger(expected)) {
    throw dataError(name, "expected fewer elements than 2^53", `the shape [${shape.join(", ")}]`);
  }
  if (bytes.length - offset !== expected) {
    const got = `${bytes.length - offset} bytes`;
    throw dataError(
      name,
      `expected ${expected} bytes for the shape [${shape.join(", ")}] after the header`,
      got,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, expected);
  const data = type.create(length);
  for (let i = 0; i < length; i++) {
    try {
      data[i] = type.read(view, i * type.bytes, littleEndian);
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      throw dataError(`${name}, element ${i}`, "expected a number of its type", cause.message, cause);
    }
  }
  return { name, shape, data };
}

export interface ElementLayout {
  /** Byte of the first element. */
  readonly offset: number;
  readonly shape: readonly number[];
  readonly type: ElementType;
  readonly littleEndian: boolean;
}
