import { show } from "@mamba/core/safetensors";
import { type DType, elementCount, lastExtent, type Shape } from "@mamba/kernel";
import { type GgmlType, ggmlTypes } from "./ggmlTypes.ts";
import type { GgufMetadata, GgufNumberType, GgufValue } from "./metadata.ts";
import { type ScalarType, valueTypes } from "./valueTypes.ts";

/** A tensor that is about to be written to a GGUF file. */
export interface GgufTensorToWrite {
  readonly name: string;
  readonly dtype: GgmlType;
  /** Outermost extent first, as in PyTorch. The last extent is a multiple of the type's block. */
  readonly shape: Shape;
  /**
   * Yields its bytes in chunks of any sizes: little-endian numbers or ggml's blocks. Called when they are written, so that no tensor
   * need be in memory as a whole. A chunk may be overwritten when the next one is asked for.
   */
  chunks(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** The content of a GGUF file. */
export interface GgufContent {
  /** `general.architecture` comes first by convention. `general.alignment` is used when it is given; default 32. */
  readonly metadata: GgufMetadata;
  readonly tensors: readonly GgufTensorToWrite[];
}

/** ggml's name of a kernel's storage type: "q4_k" -> "Q4_K". */
export function toGgmlType(dtype: DType): GgmlType {
  return dtype.toUpperCase() as GgmlType;
}

const longestName = 63;

/**
 * Yields a GGUF file (version 3, little-endian) in chunks: the header first, then each tensor, padded to the alignment.
 *
 * @throws RangeError when the content breaks a rule of the format: names that are empty, given twice or above 63 bytes, more than 4
 * dimensions, rows that are no whole blocks, a value that its type cannot hold, or a tensor with the wrong number of bytes
 */
export async function* ggufChunks(content: GgufContent): AsyncGenerator<Uint8Array, void, undefined> {
  const { tensors } = content;
  const { bytes, alignment } = headerBytes(content);
  yield bytes;
  for (const tensor of tensors) {
    const expected = tensorBytes(tensor);
    let done = 0;
    for await (const chunk of tensor.chunks()) {
      done += chunk.length;
      if (done <= expected) yield chunk;
    }
    if (done !== expected) throw new RangeError(`tensor ${tensor.name} needs ${expected} bytes, got ${done}`);
    const padding = (alignment - (expected % alignment)) % alignment;
    if (padding > 0) yield new Uint8Array(padding);
  }
}

/** Bytes of the file that `ggufChunks` yields. */
export function ggufSize(content: GgufContent): number {
  const { bytes, end } = headerBytes(content);
  return bytes.length + end;
}

function tensorBytes({ name, dtype, shape }: Pick<GgufTensorToWrite, "name" | "dtype" | "shape">): number {
  const { blockElements, blockBytes } = ggmlTypes[dtype];
  if (lastExtent(shape) % blockElements !== 0)
    throw new RangeError(
      `tensor ${name} [${shape.join(", ")}]: rows must be multiples of ${blockElements} as ${dtype}`,
    );
  return (elementCount(shape) / blockElements) * blockBytes;
}

/** The header with its padding, and the bytes of the data after it. */
function headerBytes({ metadata, tensors }: GgufContent): {
  readonly bytes: Uint8Array;
  readonly alignment: number;
  readonly end: number;
} {
  const out = new ByteWriter();
  const alignment = alignmentOf(metadata);
  out.bytes(Uint8Array.of(0x47, 0x47, 0x55, 0x46)); // "GGUF"
  out.number("u32", 3);
  out.number("u64", tensors.length);
  out.number("u64", metadata.size);
  for (const [key, value] of metadata) {
    if (key === "") throw new RangeError("a key of the metadata is empty");
    out.string(key);
    writeValue(out, key, value);
  }
  const names = new Set<string>();
  let end = 0;
  for (const tensor of tensors) {
    const { name, dtype, shape } = tensor;
    if (names.has(name)) throw new RangeError(`tensor ${name} is given twice`);
    names.add(name);
    const nameBytes = out.string(name);
    if (nameBytes < 1 || nameBytes > longestName)
      throw new RangeError(`the name of tensor ${show(name)} must have 1 to ${longestName} bytes`);
    if (
      shape.length < 1 ||
      shape.length > 4 ||
      shape.some((extent) => !Number.isSafeInteger(extent) || extent < 1)
    )
      throw new RangeError(`tensor ${name} must have 1 to 4 extents from 1 on, got [${shape.join(", ")}]`);
    out.number("u32", shape.length);
    for (const extent of [...shape].reverse()) out.number("u64", extent);
    out.number("u32", ggmlTypes[dtype].id);
    out.number("u64", end);
    end += padded(tensorBytes(tensor), alignment);
  }
  if (tensors.length > 0) out.bytes(new Uint8Array(padded(out.length, alignment) - out.length));
  return { bytes: out.result(), alignment, end };
}

function alignmentOf(metadata: GgufMetadata): number {
  const value: GgufValue = metadata.get("general.alignment") ?? { type: "u32", value: 32 };
  if (value.type === "u32" && value.value >= 8 && Number.isInteger(Math.log2(value.value)))
    return value.value;
  throw new RangeError("general.alignment must be a u32, a power of two from 8 on");
}

function padded(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment;
}

function writeValue(out: ByteWriter, key: string, value: GgufValue): void {
  out.number("u32", valueTypes.indexOf(value.type));
  if (value.type !== "array") {
    writeScalar(out, key, value.type, value.value);
    return;
  }
  out.number("u32", valueTypes.indexOf(value.items));
  out.number("u64", value.value.length);
  for (let i = 0; i < value.value.length; i++) writeScalar(out, key, value.items, value.value[i] as Scalar);
}

type Scalar = number | bigint | boolean | string;

function writeScalar(out: ByteWriter, key: string, type: ScalarType, value: Scalar): void {
  if (type === "string") {
    out.string(String(value));
    return;
  }
  if (type === "bool") {
    out.number("u8", Number(value));
    return;
  }
  if (!fits(type, value)) throw new RangeError(`${key}: ${String(value)} is no ${type}`);
  out.number(type, value as number | bigint);
}

function fits(type: Exclude<ScalarType, "string" | "bool">, value: Scalar): boolean {
  if (type === "f32" || type === "f64") return typeof value === "number";
  const bits = Number(type.slice(1));
  const isSigned = type.startsWith("i");
  if (bits === 64) {
    if (typeof value !== "bigint") return false;
    return value === (isSigned ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value));
  }
  const most = 2 ** (isSigned ? bits - 1 : bits) - 1;
  return (
    typeof value === "number" &&
    Number.isInteger(value) &&
    value <= most &&
    value >= (isSigned ? -most - 1 : 0)
  );
}

const utf8 = new TextEncoder();

type Setter = (view: DataView, at: number, value: number) => void;

const setters: Readonly<Record<GgufNumberType, Setter>> = {
  u8: (view, at, value) => view.setUint8(at, value),
  i8: (view, at, value) => view.setInt8(at, value),
  u16: (view, at, value) => view.setUint16(at, value, true),
  i16: (view, at, value) => view.setInt16(at, value, true),
  u32: (view, at, value) => view.setUint32(at, value, true),
  i32: (view, at, value) => view.setInt32(at, value, true),
  f32: (view, at, value) => view.setFloat32(at, value, true),
  f64: (view, at, value) => view.setFloat64(at, value, true),
};

/** Little-endian bytes in a buffer that grows. */
class ByteWriter {
  #buffer = new Uint8Array(4096);
  #view = new DataView(this.#buffer.buffer);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  result(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  bytes(bytes: Uint8Array): void {
    const at = this.#advance(bytes.length);
    this.#buffer.set(bytes, at);
  }

  /** Writes a string with its length, and returns its number of bytes. */
  string(text: string): number {
    const bytes = utf8.encode(text);
    this.number("u64", bytes.length);
    this.bytes(bytes);
    return bytes.length;
  }

  number(type: Exclude<ScalarType, "string" | "bool">, value: number | bigint): void {
    const at = this.#advance(Number(type.slice(1)) / 8);
    if (type === "u64" || type === "i64") {
      this.#view.setBigUint64(at, BigInt.asUintN(64, BigInt(value)), true);
      return;
    }
    setters[type](this.#view, at, Number(value));
  }

  #advance(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(this.#length, this.#buffer.length * 2));
      larger.set(this.#buffer);
      this.#buffer = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
}
