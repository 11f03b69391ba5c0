import { CheckpointError, show } from "../errors.ts";
import { fill, readExactly, type ByteSource } from "../source.ts";
import { headerCap, parseHeader, type SafetensorsHeader, type TensorInfo } from "./header.ts";

/** An open safetensors file: its header is checked, its data is read on demand. */
export interface SafetensorsFile extends SafetensorsHeader, AsyncDisposable {
  readonly name: string;
  /**
   * The raw little-endian bytes of one tensor, in memory that is its own.
   *
   * @throws CheckpointError `MISSING_TENSOR`, `TRUNCATED`, `IO`
   */
  read(name: string): Promise<Uint8Array>;
  /**
   * The same bytes piece by piece, each a view of `buffer` that the next piece overwrites. Every piece but the last
   * fills the buffer.
   */
  pieces(name: string, buffer: Uint8Array): AsyncGenerator<Uint8Array, void, undefined>;
  close(): Promise<void>;
}

/**
 * Reads and checks the header of a safetensors file. Takes ownership of `source`. Nothing is allocated before the
 * header's length was held against the file's size and the cap of 16 MiB.
 *
 * @throws CheckpointError `TRUNCATED`, `TOO_LARGE`, `PICKLE`, `HEADER`, `JSON`, `DUPLICATE_KEY`, `DTYPE`, `SHAPE`,
 * `OFFSETS`, `IO`
 */
export async function openSafetensors(source: ByteSource): Promise<SafetensorsFile> {
  try {
    const header = await readHeader(source);
    const find = (name: string): TensorInfo => {
      const info = header.tensors.get(name);
      if (!info) throw new CheckpointError("MISSING_TENSOR", `${source.name}: no tensor ${show(name)}`);
      return info;
    };
    return {
      ...header,
      name: source.name,
      async read(name) {
        const { byteOffset, byteLength } = find(name);
        return readExactly(source, byteOffset, byteLength);
      },
      async *pieces(name, buffer) {
        const { byteOffset, byteLength } = find(name);
        for (let done = 0; done < byteLength; done += buffer.length) {
          const piece = buffer.subarray(0, Math.min(buffer.length, byteLength - done));
          await fill(source, byteOffset + done, piece);
          yield piece;
        }
      },
      close: () => source.close(),
      [Symbol.asyncDispose]: () => source.close(),
    };
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function readHeader(source: ByteSource): Promise<SafetensorsHeader> {
  const { name, size } = source;
  const first = await readExactly(source, 0, 8);
  const length = new DataView(first.buffer).getBigUint64(0, true);
  if (length > headerCap || (size !== undefined && length > size - 8))
    throw notAHeader(source, first, length);
  const header = parseHeader(await readExactly(source, 8, Number(length)), name);
  if (size !== undefined && size < header.end) {
    throw new CheckpointError(
      "TRUNCATED",
      `${name}: the file has ${size} bytes, its tensors need ${header.end}`,
    );
  }
  if (size !== undefined && size > header.end) {
    const extra = size - header.end;
    throw new CheckpointError("OFFSETS", `${name}: ${extra} bytes after the last tensor belong to none`);
  }
  return header;
}

/** The files that people take for safetensors begin in ways that make an absurd length. */
function notAHeader({ name, size }: ByteSource, first: Uint8Array, length: bigint): CheckpointError {
  const start = String.fromCharCode(...first);
  if (start.startsWith("PK\x03\x04") || start.startsWith("\x80\x02")) {
    const remedy = "convert it to safetensors with a tool you trust";
    return new CheckpointError(
      "PICKLE",
      `${name}: this is a PyTorch pickle, which runs code when read; ${remedy}`,
    );
  }
  if (start === "version ") {
    const remedy = "fetch the file itself, for example with `git lfs pull`";
    return new CheckpointError("HEADER", `${name}: this is a Git LFS pointer, not the weights; ${remedy}`);
  }
  if (length > headerCap) {
    const message = `${name}: the header would be ${length} bytes, at most ${headerCap} are allowed`;
    return new CheckpointError("TOO_LARGE", message);
  }
  return new CheckpointError(
    "TRUNCATED",
    `${name}: the header would be ${length} bytes, the file has ${size}`,
  );
}
