import { type ByteSource, fill, readExactly } from "./byteSource.ts";
import { SafetensorsError, show } from "./errors.ts";
import { headerCap, parseHeader, type SafetensorsHeader, type TensorInfo } from "./header.ts";
import { Verifier } from "./verifier.ts";

/** Bytes [start, end) of a tensor. */
export type ByteRange = readonly [start: number, end: number];

/** An open safetensors file. Its header is checked; its data is read on demand. */
export interface SafetensorsFile extends SafetensorsHeader, AsyncDisposable {
  readonly name: string;
  /**
   * Reads the raw little-endian bytes of one tensor into new memory.
   *
   * @throws SafetensorsError `MISSING_TENSOR`, `TRUNCATED`; the errors of the source
   */
  read(name: string): Promise<Uint8Array>;
  /**
   * Reads the same bytes chunk by chunk. Each chunk is a view of `buffer`, which the next one overwrites; every chunk but
   * the last fills the buffer.
   *
   * @param range the bytes to read. Default: the whole tensor
   * @throws SafetensorsError `MISSING_TENSOR`, `TRUNCATED`; the errors of the source
   */
  chunks(name: string, buffer: Uint8Array, range?: ByteRange): AsyncGenerator<Uint8Array, void, undefined>;
  /**
   * Compares the file with the checksum in its metadata; does nothing when it has none.
   *
   * @throws SafetensorsError `CHECKSUM` when the content is not what was written, `TRUNCATED`; the errors of the source
   */
  verify(): Promise<void>;
  close(): Promise<void>;
}

export interface OpenOptions {
  /**
   * Compute the checksum while tensors are read, for a `verify` at the end. Bytes that are passed over are then read too.
   * Default false: `verify` reads the whole file, which needs a source that can go back.
   */
  readonly verify?: boolean | undefined;
}

/**
 * Reads and checks the header of a safetensors file. Takes ownership of `source`. Nothing is allocated before the
 * header's length was compared with the size of the file and the cap of 16 MiB.
 *
 * @throws SafetensorsError `TRUNCATED`, `TOO_LARGE`, `PICKLE`, `HEADER`, `JSON`, `DUPLICATE_KEY`, `DTYPE`, `SHAPE`,
 * `OFFSETS`; the errors of the source
 */
export async function openSafetensors(
  source: ByteSource,
  { verify = false }: OpenOptions = {},
): Promise<SafetensorsFile> {
  try {
    const { header, headerBytes } = await readHeader(source);
    const newVerifier = () => Verifier.of(source, header, headerBytes);
    const verifier = verify ? newVerifier() : undefined;
    const find = (name: string): TensorInfo => {
      const info = header.tensors.get(name);
      if (!info) throw new SafetensorsError("MISSING_TENSOR", `${source.name}: no tensor ${show(name)}`);
      return info;
    };
    return {
      ...header,
      name: source.name,
      async read(name) {
        const { byteOffset, byteLength } = find(name);
        await verifier?.skipTo(byteOffset);
        const bytes = await readExactly(source, byteOffset, byteLength);
        await verifier?.saw(byteOffset, bytes);
        return bytes;
      },
      async *chunks(name, buffer, range) {
        const { byteOffset, byteLength } = find(name);
        const [start, end] = range ?? [0, byteLength];
        for (let done = start; done < end; done += buffer.length) {
          const chunk = buffer.subarray(0, Math.min(buffer.length, end - done));
          // Without other bytes to read first, the read of the chunk begins before this function returns to its caller.
          if (verifier && verifier.position !== byteOffset + done) await verifier.skipTo(byteOffset + done);
          await fill(source, byteOffset + done, chunk);
          await verifier?.saw(byteOffset + done, chunk);
          yield chunk;
        }
      },
      verify: async () => (verifier ?? newVerifier())?.finish(header.end),
      close: () => source.close(),
      [Symbol.asyncDispose]: () => source.close(),
    };
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function readHeader(
  source: ByteSource,
): Promise<{ header: SafetensorsHeader; headerBytes: Uint8Array }> {
  const { name, size } = source;
  const first = await readExactly(source, 0, 8);
  const length = new DataView(first.buffer).getBigUint64(0, true);
  if (length > headerCap || (size !== undefined && length > size - 8))
    throw notAHeader(source, first, length);
  const json = await readExactly(source, 8, Number(length));
  const header = parseHeader(json, name);
  if (size !== undefined && size < header.end) {
    throw new SafetensorsError(
      "TRUNCATED",
      `${name}: the file has ${size} bytes, its tensors need ${header.end}`,
    );
  }
  if (size !== undefined && size > header.end) {
    const extra = size - header.end;
    throw new SafetensorsError(
      "OFFSETS",
      `${name}: ${extra} bytes after the last tensor belong to no tensor`,
    );
  }
  const headerBytes = new Uint8Array(8 + json.length);
  headerBytes.set(first);
  headerBytes.set(json, 8);
  return { header, headerBytes };
}

/** Other kinds of files, read as safetensors, have an absurd header length. Their first bytes tell them apart. */
function notAHeader({ name, size }: ByteSource, first: Uint8Array, length: bigint): SafetensorsError {
  const start = String.fromCharCode(...first);
  if (start.startsWith("PK\x03\x04") || start.startsWith("\x80\x02")) {
    const remedy = "give it the ending .bin, by which @mamba/checkpoint knows a pickle";
    return new SafetensorsError(
      "PICKLE",
      `${name}: this is a PyTorch pickle and no safetensors file; ${remedy}`,
    );
  }
  if (start === "version ") {
    const remedy = "fetch the file itself, for example with `git lfs pull`";
    return new SafetensorsError("HEADER", `${name}: this is a Git LFS pointer, not the weights; ${remedy}`);
  }
  if (length > headerCap) {
    const message = `${name}: the header would be ${length} bytes, at most ${headerCap} are allowed`;
    return new SafetensorsError("TOO_LARGE", message);
  }
  return new SafetensorsError(
    "TRUNCATED",
    `${name}: the header would be ${length} bytes, the file has ${size}`,
  );
}
