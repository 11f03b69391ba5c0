import type { Shape } from "@mamba/kernel";
import { isSafetensorsDType, type SafetensorsDType, safetensorsDTypes, tensorBytes } from "./dtypes.ts";
import { SafetensorsError, show } from "./errors.ts";
import { isObject, type Json, parseJsonObject } from "./json.ts";

/** One tensor of a file. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: SafetensorsDType;
  readonly shape: Shape;
  /** Offset of its first byte from the start of the file. */
  readonly byteOffset: number;
  readonly byteLength: number;
}

/** The content of a file's header. */
export interface SafetensorsHeader {
  /** In the order of their bytes. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: Readonly<Record<string, string>>;
  /** End of the last tensor: the size that the file must have. */
  readonly end: number;
}

/** Largest header in bytes. Real ones stay below 1 MiB. */
export const headerCap = 16 * 2 ** 20;

/**
 * Parses the JSON header of a safetensors file. The checks are those of the format's reference implementation: byte
 * ranges begin at 0, follow each other without gap or overlap, and have the length given by shape and type. The caller
 * compares `end` with the size of the file.
 *
 * @param file for messages, which begin with it
 * @throws SafetensorsError `JSON`, `DUPLICATE_KEY`, `HEADER`, `DTYPE`, `SHAPE`, `OFFSETS`
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
      const problem =
        byteOffset < end ? "overlaps the tensor before it" : "leaves a gap after the tensor before it";
      const where = `it begins at ${byteOffset - dataStart}, expected ${end - dataStart}`;
      throw new SafetensorsError("OFFSETS", `${file}: tensor ${show(name)} ${problem}: ${where}`);
    }
    end += byteLength;
  }
  return { tensors: new Map(entries.map((entry) => [entry.name, entry])), metadata, end };
}

function parseEntry(name: string, value: Json, file: string, dataStart: number): TensorInfo {
  const where = `${file}: tensor ${show(name)}`;
  if (!isObject(value))
    throw new SafetensorsError("HEADER", `${where} must be an object, got ${show(value)}`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (!isSafetensorsDType(dtype)) {
    const known = safetensorsDTypes.join(", ");
    throw new SafetensorsError("DTYPE", `${where} has dtype ${show(dtype)}, expected one of ${known}`);
  }
  if (!isCounts(shape)) {
    throw new SafetensorsError(
      "SHAPE",
      `${where} must have a shape of whole numbers >= 0, got ${show(shape)}`,
    );
  }
  const byteLength = tensorBytes(dtype, shape);
  if (!Number.isSafeInteger(byteLength)) {
    throw new SafetensorsError("SHAPE", `${where} has a shape beyond any file: ${show(shape)}`);
  }
  if (!isCounts(offsets) || offsets.length !== 2) {
    throw new SafetensorsError(
      "OFFSETS",
      `${where} must have data_offsets [begin, end], got ${show(offsets)}`,
    );
  }
  const [begin = 0, end = 0] = offsets;
  if (begin > end) throw new SafetensorsError("OFFSETS", `${where} ends before it begins: ${show(offsets)}`);
  if (end - begin !== byteLength) {
    const message = `${where} ${show(shape)} ${dtype} takes ${byteLength} bytes, its offsets cover ${end - begin}`;
    throw new SafetensorsError("SHAPE", message);
  }
  return { name, dtype, shape, byteOffset: dataStart + begin, byteLength };
}

function parseMetadata(value: Json, file: string): Readonly<Record<string, string>> {
  if (!isObject(value) || !Object.values(value).every((text) => typeof text === "string")) {
    throw new SafetensorsError("HEADER", `${file}: __metadata__ must map strings to strings`);
  }
  return value as Readonly<Record<string, string>>;
}

function isCounts(value: Json | undefined): value is readonly number[] {
  return Array.isArray(value) && value.every(isCount);
}

function isCount(value: unknown): boolean {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0);
}
