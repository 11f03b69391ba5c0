import { type ByteSource, show } from "@mamba/core/safetensors";
import type { Shape } from "@mamba/kernel";
import { CheckpointError } from "../../errors.ts";
import { ggmlBytes, type GgmlType, ggmlTypeOf, ggmlTypes } from "./ggmlTypes.ts";
import { HeaderReader } from "./headerReader.ts";
import type { GgufMetadata, GgufValue } from "./metadata.ts";
import { readMetadata } from "./readMetadata.ts";

/** A tensor of a GGUF file. */
export interface GgufTensor {
  readonly name: string;
  /** ggml's name of its type, such as "Q4_K". */
  readonly dtype: GgmlType;
  /** Outermost extent first, as in PyTorch: the file has the reverse order. */
  readonly shape: Shape;
  /** Offset of its first byte from the start of the file. */
  readonly byteOffset: number;
  readonly byteLength: number;
}

/** The content of a GGUF file but for its data. */
export interface GgufHeader {
  readonly version: number;
  readonly metadata: GgufMetadata;
  /** In the order of their bytes. */
  readonly tensors: ReadonlyMap<string, GgufTensor>;
  /** Tensors begin at multiples of this many bytes from the start of the data. */
  readonly alignment: number;
  /** Offset of the first tensor's first byte. */
  readonly dataStart: number;
  /** End of the last tensor: the file has at least this size. */
  readonly end: number;
}

/** Least bytes of a metadata entry: the length of a key, one character, the type, and one byte of value. */
const leastEntry = 14n;
/** Least bytes of a tensor's entry: the length of a name, one character, the rank, one extent, the type, and the offset. */
const leastTensor = 33n;
/** Most entries, and most tensors: a file of a large model has 50 and 2000. Each takes a hundred bytes and more in memory. */
const mostListed = 2 ** 16;
const longestKey = 65535;
/** Bytes of the longest name that ggml takes. */
const longestName = 63;

/**
 * Reads and checks the header of a GGUF file. Tensors must follow each other in the order in which they are listed, each at the next
 * multiple of the alignment, as ggml requires; so none can overlap another, or lie outside of the file.
 *
 * @returns the header, and the bytes of the tensors that were read with it
 * @throws CheckpointError `HEADER`, `GGUF_VERSION`, `TRUNCATED`, `TOO_LARGE`, `DUPLICATE_KEY`, `SHAPE`, `DTYPE`, `OFFSETS`; the errors
 * of the source
 */
export async function readHeader(
  source: ByteSource,
): Promise<{ readonly header: GgufHeader; readonly rest: Uint8Array }> {
  const { name: file, size } = source;
  const reader = new HeaderReader(source);
  const version = await readVersion(reader, file);
  await reader.ensure(16);
  const tensorCount = reader.u64();
  const entryCount = reader.u64();
  reader.checkLength(entryCount * leastEntry + tensorCount * leastTensor, "the list of metadata and tensors");
  if (entryCount > mostListed || tensorCount > mostListed) {
    const message = `${file}: ${entryCount} entries of metadata and ${tensorCount} tensors, at most ${mostListed} of each are read`;
    throw new CheckpointError("TOO_LARGE", message);
  }
  const metadata = await readMetadata(reader, Number(entryCount), file, longestKey);
  const alignment = alignmentOf(metadata, file);
  reader.checkLength(tensorCount * leastTensor, "the list of tensors");
  const listed: Listed[] = [];
  const names = new Set<string>();
  for (let i = 0; i < Number(tensorCount); i++) listed.push(await readTensor(reader, file, names));
  const dataStart = padded(BigInt(reader.position), alignment);
  let end = dataStart;
  const tensors = new Map<string, GgufTensor>();
  for (const { name, dtype, shape, bytes, offset } of listed) {
    const start = padded(end, alignment);
    if (offset !== start - dataStart) {
      const message = `${file}: tensor ${show(name)} begins at ${offset} of the data, expected ${start - dataStart}`;
      throw new CheckpointError(
        "OFFSETS",
        `${message}: tensors must follow each other without gap or overlap`,
      );
    }
    end = start + bytes;
    if (end > BigInt(size ?? Number.MAX_SAFE_INTEGER)) {
      const message = `${file}: tensor ${show(name)} ends at byte ${end}, the file has ${size ?? "less"}`;
      throw new CheckpointError("TRUNCATED", message);
    }
    tensors.set(name, { name, dtype, shape, byteOffset: Number(start), byteLength: Number(bytes) });
  }
  const header = { version, metadata, tensors, alignment, dataStart: Number(dataStart), end: Number(end) };
  return { header, rest: reader.restFrom(header.dataStart) };
}

interface Listed {
  readonly name: string;
  readonly dtype: GgmlType;
  readonly shape: Shape;
  readonly bytes: bigint;
  readonly offset: bigint;
}

async function readVersion(reader: HeaderReader, file: string): Promise<number> {
  await reader.ensure(8);
  const magic = reader.bytes(4).slice();
  const version = reader.u32();
  if (String.fromCharCode(...magic) !== "GGUF") throw notGguf(file, magic);
  if (version === 2 || version === 3) return version;
  const reason =
    (version & 0xffff) === 0
      ? "is big-endian, and only little-endian files can be read; convert it again without the option for big-endian"
      : `has version ${version}, versions 2 and 3 can be read${version === 1 ? "; convert it again with a current llama.cpp" : ""}`;
  throw new CheckpointError("GGUF_VERSION", `${file}: the GGUF file ${reason}`);
}

function notGguf(file: string, magic: Uint8Array): CheckpointError {
  const start = String.fromCharCode(...magic);
  if (start === "vers") {
    const remedy = "fetch the file itself, for example with `git lfs pull`";
    return new CheckpointError("HEADER", `${file}: this is a Git LFS pointer, not the weights; ${remedy}`);
  }
  if (["lmgg", "fmgg", "tjgg", "algg"].includes(start)) {
    const remedy = "convert it to GGUF with llama.cpp";
    return new CheckpointError(
      "GGUF_VERSION",
      `${file}: this is a file from before GGUF (${start}); ${remedy}`,
    );
  }
  return new CheckpointError("HEADER", `${file}: not a GGUF file: it begins with ${show(start)}`);
}

async function readTensor(reader: HeaderReader, file: string, names: Set<string>): Promise<Listed> {
  const name = await reader.string("the name of a tensor", longestName);
  const where = `${file}: tensor ${show(name)}`;
  if (name === "") throw new CheckpointError("HEADER", `${file}: a tensor has an empty name`);
  if (names.has(name)) throw new CheckpointError("DUPLICATE_KEY", `${where} is listed twice`);
  names.add(name);
  await reader.ensure(4);
  const rank = reader.u32();
  if (rank < 1 || rank > 4)
    throw new CheckpointError("SHAPE", `${where} must have 1 to 4 dimensions, got ${rank}`);
  await reader.ensure(8 * rank + 12);
  const extents = Array.from({ length: rank }, () => reader.u64());
  const typed = ggmlTypeOf(reader.u32());
  const offset = reader.u64();
  if (typed.type === undefined) throw new CheckpointError("DTYPE", `${where} ${typed.reason}`);
  const shape = `[${extents.join(", ")}] (fastest dimension first)`;
  if (extents.includes(0n)) throw new CheckpointError("SHAPE", `${where} ${shape} has no elements`);
  const elements = extents.reduce((product, extent) => product * extent, 1n);
  const bytes = ggmlBytes(typed.type, elements);
  const most = BigInt(Number.MAX_SAFE_INTEGER);
  if (elements > most || bytes > most)
    throw new CheckpointError("SHAPE", `${where} ${shape} is beyond any file`);
  const { blockElements } = ggmlTypes[typed.type];
  if ((extents[0] ?? 0n) % BigInt(blockElements) !== 0n) {
    const rule = `must be a multiple of ${blockElements} as ${typed.type}`;
    throw new CheckpointError("SHAPE", `${where} ${shape}: the first extent ${rule}`);
  }
  return { name, dtype: typed.type, shape: extents.map(Number).reverse(), bytes, offset };
}

function alignmentOf(metadata: GgufMetadata, file: string): number {
  const entry: GgufValue = metadata.get("general.alignment") ?? { type: "u32", value: 32 };
  const { type, value } = entry;
  if (type === "u32" && value >= 8 && Number.isInteger(Math.log2(value))) return value;
  const found = type === "u32" ? String(value) : `a value of type ${type}`;
  const message = `${file}: general.alignment must be a u32, a power of two from 8 on, got ${found}`;
  throw new CheckpointError("HEADER", message);
}

/** The next multiple of `alignment`. Bigints, because `offset + alignment - 1` is not trusted either. */
function padded(offset: bigint, alignment: number): bigint {
  const step = BigInt(alignment);
  return ((offset + step - 1n) / step) * step;
}
