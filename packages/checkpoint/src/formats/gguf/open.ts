import { type ByteRange, type ByteSource, show } from "@mamba/core/safetensors";
import { CheckpointError } from "../../errors.ts";
import { type GgufHeader, type GgufTensor, readHeader } from "./header.ts";

/** The header of a file that was open before, and the size that the file had. */
export interface KnownHeader {
  readonly header: GgufHeader;
  readonly size: number | undefined;
}

/** An open GGUF file. Its header is checked; its data is read on demand. */
export interface GgufFile extends GgufHeader, AsyncDisposable {
  readonly name: string;
  /**
   * Reads the bytes of one tensor into new memory, as the file has them: little-endian numbers or ggml's blocks.
   *
   * @throws CheckpointError `MISSING_TENSOR`, `TRUNCATED`; the errors of the source
   */
  read(name: string): Promise<Uint8Array>;
  /**
   * Reads the same bytes chunk by chunk. Each chunk is a view of `buffer`, which the next one overwrites; every chunk but the last
   * fills the buffer.
   *
   * @param range the bytes to read. Default: the whole tensor
   * @throws CheckpointError `MISSING_TENSOR`, `TRUNCATED`; the errors of the source
   */
  chunks(name: string, buffer: Uint8Array, range?: ByteRange): AsyncGenerator<Uint8Array, void, undefined>;
  /** Does nothing: GGUF has no checksum. */
  verify(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Reads and checks the header of a GGUF file, forward only, in chunks. Takes ownership of `source`. Every length in the file is
 * compared with the bytes that remain, and with a cap of 128 MiB for the header, before memory is allocated for it.
 *
 * @param known the header, when the file was open before: it is then not read again
 * @throws CheckpointError `HEADER`, `GGUF_VERSION`, `TRUNCATED`, `TOO_LARGE`, `DUPLICATE_KEY`, `SHAPE`, `DTYPE`, `OFFSETS`, `IO` when
 * the size is not that of the known file; the errors of the source
 */
export async function openGguf(source: ByteSource, known?: KnownHeader): Promise<GgufFile> {
  try {
    if (known && known.size !== source.size)
      throw new CheckpointError("IO", `${source.name}: the file changed while it was being read`);
    const { header, rest } = known ? { ...known, rest: new Uint8Array(0) } : await readHeader(source);
    const restEnd = header.dataStart + rest.length;
    const find = (name: string): GgufTensor => {
      const tensor = header.tensors.get(name);
      if (!tensor) throw new CheckpointError("MISSING_TENSOR", `${source.name}: no tensor ${show(name)}`);
      return tensor;
    };
    /** Fills `into` with the bytes that came with the header, as a download cannot go back, and with those of the source. */
    const fill = async (offset: number, into: Uint8Array): Promise<void> => {
      const known =
        offset < restEnd
          ? rest.subarray(offset - header.dataStart).subarray(0, into.length)
          : rest.subarray(0, 0);
      into.set(known);
      if (known.length === into.length) return;
      const count = known.length + (await source.read(offset + known.length, into.subarray(known.length)));
      if (count === into.length) return;
      const message = `${source.name}: the file ends at byte ${offset + count}, expected at least ${offset + into.length}`;
      throw new CheckpointError("TRUNCATED", message);
    };
    return {
      ...header,
      name: source.name,
      async read(name) {
        const { byteOffset, byteLength } = find(name);
        const bytes = new Uint8Array(byteLength);
        await fill(byteOffset, bytes);
        return bytes;
      },
      async *chunks(name, buffer, range) {
        const { byteOffset, byteLength } = find(name);
        const [start, end] = range ?? [0, byteLength];
        for (let done = start; done < end; done += buffer.length) {
          const chunk = buffer.subarray(0, Math.min(buffer.length, end - done));
          await fill(byteOffset + done, chunk);
          yield chunk;
        }
      },
      verify: () => Promise.resolve(),
      close: () => source.close(),
      [Symbol.asyncDispose]: () => source.close(),
    };
  } catch (error) {
    await source.close();
    throw error;
  }
}
