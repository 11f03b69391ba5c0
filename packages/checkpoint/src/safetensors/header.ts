import type { DType, Shape } from "@mamba/kernel";
import { CheckpointError, show } from "../errors.ts";
import { isObject, type JsonObject, type Json, parseJsonObject } from "../json.ts";

/** Bytes per element of every storage type that the format knows and that fills whole bytes. */
export const safetensorsBytes = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  F8_E8M0: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
  C64: 8,
} as const;

/** Storage types by the names that safetensors files use. */
export type SafetensorsDType = keyof typeof safetensorsBytes;

/** The storage types that kernels share with safetensors files. */
export const kernelDTypes: Partial<Record<SafetensorsDType, DType>> = {
  F32: "f32",
  F16: "f16",
  BF16: "bf16",
  I32: "i32",
};

/** One tensor of a file. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: SafetensorsDType;
  readonly shape: Shape;
  /** Of its first byte in the file. */
  readonly byteOffset: number;
  readonly byteLength: number;
}

/** What a header says. */
export interface SafetensorsHeader {
  /** In the order of their bytes. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: Readonly<Record<string, string>>;
  /** Where the last tensor ends: the size that the file must have. */
  readonly end: number;
}

/** No header may be longer. Real ones stay below 1 MiB. */
export const headerCap = 16 * 2 ** 20;

/**
 * Parses the JSON header of a safetensors file. The checks are those of the format's reference implementation: byte
 * ranges begin at 0, follow each other without gap or overlap, and have the length that shape and type ask for.
 * `end` says where that leads, and the caller holds it against the file.
 *
 * @throws CheckpointError `JSON`, `DUPLICATE_KEY`, `HEADER`, `DTYPE`, `SHAPE`, `OFFSETS`, beginning with `file`.
 */
export function parseHeader(bytes: Uint8Array, file: string): SafetensorsHeader {
  const json = parseJsonObject(bytes, `${file}: header`);
  const dataStart = 8 + bytes.length;
  const entries: TensorInfo[] = [];
  let metadata: Readonly<Record<string, string>> = {};
  for (const [name, value] of Object.entries(json)) {
    if (name === "__metadata__") metadata = parseMetadata(value, file);
    else entries.push(parseEntry(name, value, file, dataStart));
  }
  entries.sort((a, b) => a.byteOffset - b.byteOffset || a.byteLength - b.byteLength);
  let end = dataStart;
  for (const { name, byteOffset, byteLength } of entries) {
    if (byteOffset !== end) {
      const how =
        byteOffset < end ? "overlaps the tensor before it" : "leaves a gap after the tensor before it";
      const where = `it begins at ${byteOffset - dataStart} where ${end - dataStart} was expected`;
      throw new CheckpointError("OFFSETS", `${file}: tensor ${show(name)} ${how}: ${where}`);
    }
    end += byteLength;
  }
  return { tensors: new Map(entries.map((entry) => [entry.name, entry])), metadata, end };
}

function parseEntry(name: string, value: Json, file: string, dataStart: number): TensorInfo {
  const where = `${file}: tensor ${show(name)}`;
  if (!isObject(value)) throw new CheckpointError("HEADER", `${where} must be an object, got ${show(value)}`);
  const {
    dtype,
    shape,
    data_offsets: offsets,
  } = value as JsonObject & Record<"dtype" | "shape" | "data_offsets", Json>;
  if (typeof dtype !== "string" || !Object.hasOwn(safetensorsBytes, dtype)) {
    const known = Object.keys(safetensorsBytes).join(", ");
    throw new CheckpointError("DTYPE", `${where} has dtype ${show(dtype)}, expected one of ${known}`);
  }
  if (!Array.isArray(shape) || !shape.every(isCount)) {
    throw new CheckpointError(
      "SHAPE",
      `${where} must have a shape of whole numbers >= 0, got ${show(shape)}`,
    );
  }
  let length: number = safetensorsBytes[dtype as SafetensorsDType];
  for (const extent of shape) length *= extent;
  if (!Number.isSafeInteger(length)) {
    throw new CheckpointError("SHAPE", `${where} has a shape beyond any file: ${show(shape)}`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    throw new CheckpointError(
      "OFFSETS",
      `${where} must have data_offsets [begin, end], got ${show(offsets)}`,
    );
  }
  const [begin, end] = offsets as [number, number];
  if (begin > end) throw new CheckpointError("OFFSETS", `${where} ends before it begins: ${show(offsets)}`);
  if (end - begin !== length) {
    const message = `${where} ${show(shape)} ${dtype} takes ${length} bytes, its offsets span ${end - begin}`;
    throw new CheckpointError("SHAPE", message);
  }
  return { name, dtype: dtype as SafetensorsDType, shape, byteOffset: dataStart + begin, byteLength: length };
}

function parseMetadata(value: Json, file: string): Readonly<Record<string, string>> {
  if (!isObject(value) || !Object.values(value).every((text) => typeof text === "string")) {
    throw new CheckpointError("HEADER", `${file}: __metadata__ must map strings to strings`);
  }
  return value as Readonly<Record<string, string>>;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0);
}
