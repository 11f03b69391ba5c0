import { show } from "@mamba/core/safetensors";
import { CheckpointError } from "../../errors.ts";
import type { HeaderReader } from "./headerReader.ts";
import type { GgufArray, GgufMetadata, GgufValue } from "./metadata.ts";
import { type ScalarType, valueTypes } from "./valueTypes.ts";

/**
 * Reads the entries of the metadata.
 *
 * @throws CheckpointError `HEADER`, `DUPLICATE_KEY`, `TRUNCATED`, `TOO_LARGE`
 */
export async function readMetadata(
  reader: HeaderReader,
  count: number,
  file: string,
  longestKey: number,
): Promise<GgufMetadata> {
  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < count; i++) {
    const key = await reader.string("a key of the metadata", longestKey);
    if (key === "") throw new CheckpointError("HEADER", `${file}: the metadata has an empty key`);
    if (metadata.has(key))
      throw new CheckpointError(
        "DUPLICATE_KEY",
        `${file}: the key ${show(key)} appears twice in the metadata`,
      );
    await reader.ensure(4);
    const where = `${file}: ${show(key)}`;
    const type = typeAt(reader.u32(), where);
    metadata.set(
      key,
      type === "array" ? await readArray(reader, where) : await readScalar(reader, type, where),
    );
  }
  return metadata;
}

function typeAt(id: number, where: string): ScalarType | "array" {
  const type = valueTypes[id];
  if (type !== undefined) return type;
  throw new CheckpointError("HEADER", `${where} has a value of type ${id}, which is unknown`);
}

/** Bytes of a value; at least those of a string's length. */
const sizes: Readonly<Record<ScalarType, number>> = {
  u8: 1,
  i8: 1,
  u16: 2,
  i16: 2,
  u32: 4,
  i32: 4,
  f32: 4,
  bool: 1,
  string: 8,
  u64: 8,
  i64: 8,
  f64: 8,
};

async function readScalar(reader: HeaderReader, type: ScalarType, where: string): Promise<GgufValue> {
  if (type === "string") return { type, value: await reader.string(where) };
  await reader.ensure(sizes[type]);
  if (type === "bool") return { type, value: toBoolean(reader.u8(), where) };
  if (type === "u64" || type === "i64") return { type, value: reader[type]() };
  return { type, value: reader[type]() };
}

/** Most booleans of an array: in memory each takes eight times its byte in the file. */
const mostBooleans = 2 ** 20;

const arrays = {
  u8: Uint8Array,
  i8: Int8Array,
  u16: Uint16Array,
  i16: Int16Array,
  u32: Uint32Array,
  i32: Int32Array,
  f32: Float32Array,
  f64: Float64Array,
  u64: BigUint64Array,
  i64: BigInt64Array,
} as const;

async function readArray(reader: HeaderReader, where: string): Promise<GgufArray> {
  await reader.ensure(12);
  const items = typeAt(reader.u32(), where);
  if (items === "array")
    throw new CheckpointError("HEADER", `${where} is an array of arrays, which cannot be read`);
  const bytes = reader.checkLength(reader.u64() * BigInt(sizes[items]), `the array ${where}`);
  const count = bytes / sizes[items];
  if (items === "string") {
    const value: string[] = [];
    for (let i = 0; i < count; i++) {
      const item = reader.availableString(where) ?? (await reader.string(where));
      value.push(item);
    }
    return { type: "array", items, value };
  }
  if (items === "bool" && count > mostBooleans)
    throw new CheckpointError(
      "TOO_LARGE",
      `${where} has ${count} booleans, at most ${mostBooleans} are read`,
    );
  const raw = new Uint8Array(bytes);
  await reader.copy(raw);
  if (items === "bool")
    return { type: "array", items, value: Array.from(raw, (byte) => toBoolean(byte, where)) };
  // Little-endian, as all engines are.
  if (items === "u64" || items === "i64")
    return { type: "array", items, value: new arrays[items](raw.buffer) };
  return { type: "array", items, value: new arrays[items](raw.buffer) };
}

function toBoolean(byte: number, where: string): boolean {
  if (byte <= 1) return byte === 1;
  throw new CheckpointError("HEADER", `${where}: a boolean must be 0 or 1, got ${byte}`);
}
