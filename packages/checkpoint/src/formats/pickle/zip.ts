import { type ByteSource, readExactly, show } from "@mamba/core/safetensors";
import { CheckpointError, rethrow } from "../../errors.ts";

/** A file in a zip: its bytes [offset, offset + size) of the whole. */
export interface ZipEntry {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
}

/** A source whose size is known, as the directory of a zip is at its end. */
export type SizedSource = ByteSource & { readonly size: number };

/** Largest directory in bytes, and most files in it: a model of 1000 tensors has 100 kB. */
const maxDirectoryBytes = 16 * 2 ** 20;
const maxEntries = 2 ** 16;

const signatures = {
  local: 0x04034b50,
  central: 0x02014b50,
  end: 0x06054b50,
  end64: 0x06064b50,
  locator: 0x07064b50,
};
const sizes = { local: 30, central: 46, end: 22, end64: 56, locator: 20 };
/** Fields with these values are in a zip64 record. */
const [in64Short, in64] = [0xffff, 0xffffffff];
/** The flags that a stored entry may have: its sizes stand behind its data too (bit 3), its name is UTF-8 (bit 11). */
const allowedFlags = 0x0808;

/**
 * Reads the directory of a zip as PyTorch writes it, and checks it against each file's own header: stored files without compression
 * or encryption, on one disk, that do not overlap, under different plain names, and nothing behind the directory.
 *
 * @throws CheckpointError `HEADER`, `TRUNCATED`, `TOO_LARGE`, `OFFSETS`
 */
export async function readZip(source: SizedSource): Promise<ReadonlyMap<string, ZipEntry>> {
  const directory = await readEnd(source);
  const records = readDirectory(source, directory, await read(source, directory.offset, directory.size));
  // In the order of their bytes: a download cannot go back.
  records.sort((a, b) => a.offset - b.offset);
  const entries = new Map<string, ZipEntry>();
  let end = 0;
  for (const record of records) {
    const { name } = record;
    if (entries.has(name)) throw wrong(source, `the name ${show(name)} appears twice`);
    if (record.offset < end) throw misplaced(source, name, "overlaps the file before it");
    const offset = await dataOffset(source, record, directory.offset);
    end = offset + record.size;
    if (end > directory.offset) throw misplaced(source, name, "overlaps the directory");
    entries.set(name, { name, offset, size: record.size });
  }
  return entries;
}

interface Directory {
  readonly offset: number;
  readonly size: number;
  readonly count: number;
}

/** Reads the records at the end of the file, which say where the directory is. */
async function readEnd(source: SizedSource): Promise<Directory> {
  const { name, size } = source;
  const tailSize = Math.min(size, sizes.end64 + sizes.locator + sizes.end);
  const tail = viewOf(await read(source, size - tailSize, tailSize));
  const at = tailSize - sizes.end;
  if (at < 0 || tail.getUint32(at, true) !== signatures.end) {
    const message = `${name}: expected the directory of a zip at the end of the file; the file is incomplete, or no PyTorch file`;
    throw new CheckpointError("TRUNCATED", message);
  }
  if (tail.getUint16(at + 20, true) !== 0) throw wrong(source, "has a comment");
  const short = {
    disks: [tail.getUint16(at + 4, true), tail.getUint16(at + 6, true)],
    counts: [tail.getUint16(at + 8, true), tail.getUint16(at + 10, true)],
    size: tail.getUint32(at + 12, true),
    offset: tail.getUint32(at + 16, true),
  };
  const has64 =
    tailSize >= sizes.end + sizes.locator && tail.getUint32(at - sizes.locator, true) === signatures.locator;
  if (!has64) {
    const [count = 0, total = 0] = short.counts;
    if (short.disks.some((disk) => disk !== 0) || count !== total) throw wrong(source, "is on several disks");
    return checkDirectory(source, { offset: short.offset, size: short.size, count }, size - sizes.end);
  }
  const long = at - sizes.locator - sizes.end64;
  if (
    long < 0 ||
    tail.getUint32(long, true) !== signatures.end64 ||
    tail.getUint32(long + 4, true) !== sizes.end64 - 12 ||
    tail.getUint32(long + 8, true) !== 0
  ) {
    throw wrong(source, "has no zip64 record of 56 bytes before its locator");
  }
  const position = size - tailSize + long;
  const locator = at - sizes.locator;
  if (
    tail.getUint32(locator + 4, true) !== 0 ||
    tail.getUint32(locator + 16, true) > 1 ||
    long64(tail, locator + 8) !== position
  ) {
    throw wrong(source, "has a zip64 locator that points elsewhere");
  }
  const [count, total] = [long64(tail, long + 24), long64(tail, long + 32)];
  const directory = { size: long64(tail, long + 40), offset: long64(tail, long + 48), count };
  const disks = [tail.getUint32(long + 16, true), tail.getUint32(long + 20, true)];
  if (disks.some((disk) => disk !== 0) || count !== total) throw wrong(source, "is on several disks");
  const agrees = (shortValue: number, value: number, sentinel: number) =>
    shortValue === sentinel || shortValue === value;
  if (
    !short.counts.every((value) => agrees(value, count, in64Short)) ||
    !agrees(short.size, directory.size, in64) ||
    !agrees(short.offset, directory.offset, in64)
  )
    throw wrong(source, "has two records of its end that contradict each other");
  return checkDirectory(source, directory, position);
}

function checkDirectory(source: SizedSource, directory: Directory, end: number): Directory {
  const { offset, size, count } = directory;
  if (size > maxDirectoryBytes || count > maxEntries) {
    const limit = `at most ${maxEntries} files and ${maxDirectoryBytes} bytes are allowed`;
    throw new CheckpointError(
      "TOO_LARGE",
      `${source.name}: the directory of the zip has ${count} files in ${size} bytes, ${limit}`,
    );
  }
  if (offset + size !== end)
    throw wrong(source, `has ${size} bytes from ${offset} on, expected an end at ${end}`);
  if (count * sizes.central > size)
    throw wrong(source, `has ${size} bytes, which are too few for ${count} files`);
  return directory;
}

/** A file in the directory. `offset` is that of its own header. */
interface Entry {
  readonly name: string;
  readonly rawName: Uint8Array;
  readonly flags: number;
  readonly offset: number;
  readonly size: number;
}

function readDirectory(source: SizedSource, { count }: Directory, bytes: Uint8Array): Entry[] {
  const view = viewOf(bytes);
  const records: Entry[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + sizes.central > bytes.length || view.getUint32(at, true) !== signatures.central)
      throw wrong(source, `has no entry ${i}`);
    const [nameLength, extraLength] = [view.getUint16(at + 28, true), view.getUint16(at + 30, true)];
    const [nameAt, commentLength] = [at + sizes.central, view.getUint16(at + 32, true)];
    const extraAt = nameAt + nameLength;
    const next = extraAt + extraLength + commentLength;
    if (next > bytes.length) throw wrong(source, `has an entry ${i} that is cut off`);
    const rawName = bytes.subarray(nameAt, extraAt);
    const name = decodeName(source, rawName);
    const flags = view.getUint16(at + 8, true);
    if ((flags & ~allowedFlags) !== 0)
      throw wrong(source, `lists ${show(name)} with flags ${flags}, expected no encryption`);
    const method = view.getUint16(at + 10, true);
    if (method !== 0)
      throw wrong(source, `lists ${show(name)} with compression ${method}, expected a stored file`);
    const short = [24, 20, 42].map((field) => view.getUint32(at + field, true));
    const [size = 0, stored, offset = 0] = readSizes(
      source,
      name,
      short,
      viewOf(bytes.subarray(extraAt, extraAt + extraLength)),
    );
    if (size !== stored) throw wrong(source, `lists ${show(name)} with ${stored} stored bytes for ${size}`);
    if (view.getUint16(at + 34, true) !== 0) throw wrong(source, "is on several disks");
    if (offset > source.size || size > source.size)
      throw misplaced(source, name, "is beyond the end of the file");
    records.push({ name, rawName, flags, offset, size });
    at = next;
  }
  if (at !== bytes.length) throw wrong(source, `has ${bytes.length - at} bytes after its last entry`);
  return records;
}

/** Size, stored size and offset of an entry. Those that 32 bits do not hold stand in the zip64 field, in this order. */
function readSizes(source: SizedSource, name: string, short: readonly number[], extra: DataView): number[] {
  const missing = short.filter((value) => value === in64).length;
  if (missing === 0) return [...short];
  for (let at = 0; at + 4 <= extra.byteLength; at += 4 + extra.getUint16(at + 2, true)) {
    if (extra.getUint16(at, true) !== 1) continue;
    const end = at + 4 + extra.getUint16(at + 2, true);
    if (at + 4 + 8 * missing > end || end > extra.byteLength) break;
    let field = at + 4;
    return short.map((value) => (value === in64 ? long64(extra, (field += 8) - 8) : value));
  }
  throw wrong(source, `lists ${show(name)} without its zip64 sizes`);
}

/** Reads a file's own header, which must agree with the directory, and returns the offset of its data. */
async function dataOffset(
  source: SizedSource,
  { name, rawName, flags, offset, size }: Entry,
  end: number,
): Promise<number> {
  const length = sizes.local + rawName.length;
  if (offset + length > end) throw misplaced(source, name, "overlaps the directory");
  const bytes = await read(source, offset, length);
  const header = viewOf(bytes);
  if (header.getUint32(0, true) !== signatures.local)
    throw misplaced(source, name, "has no header of its own");
  const isSame =
    header.getUint16(6, true) === flags &&
    header.getUint16(8, true) === 0 &&
    header.getUint16(26, true) === rawName.length &&
    rawName.every((byte, i) => byte === bytes[sizes.local + i]);
  // 0 where the sizes stand behind the data.
  const fits = [18, 22].every((field) =>
    [size, in64, ...(flags & 8 ? [0] : [])].includes(header.getUint32(field, true)),
  );
  if (!isSame || !fits)
    throw misplaced(source, name, "has a header of its own that contradicts the directory");
  return offset + length + header.getUint16(28, true);
}

function decodeName(source: SizedSource, bytes: Uint8Array): string {
  let name: string;
  try {
    name = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw wrong(source, "has a name that is not UTF-8");
  }
  const isPlain = name
    .split("/")
    .every((part) => /^[^\\:\u0000-\u001f\u007f]+$/u.test(part) && !/^\.+$/.test(part)); // eslint-disable-line no-control-regex -- names have none
  if (!isPlain) throw wrong(source, `has the name ${show(name)}, expected a plain path`);
  return name;
}

/** A 64-bit number; above 2^53 it is beyond any file, whatever its last digits. */
function long64(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

async function read(source: SizedSource, offset: number, length: number): Promise<Uint8Array> {
  return readExactly(source, offset, length).catch(rethrow);
}

function wrong({ name }: SizedSource, problem: string): CheckpointError {
  return new CheckpointError("HEADER", `${name}: the directory of the zip ${problem}`);
}

function misplaced({ name }: SizedSource, entry: string, problem: string): CheckpointError {
  return new CheckpointError("OFFSETS", `${name}: ${show(entry)} ${problem}`);
}
