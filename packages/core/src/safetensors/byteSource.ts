import { SafetensorsError } from "./errors.ts";

/** The bytes of one file on a disk, in a download, or in memory. */
export interface ByteSource {
  /** Path or URL, for messages. */
  readonly name: string;
  /** Undefined for a download whose length the server does not announce. */
  readonly size: number | undefined;
  /**
   * Fills `into` with the bytes from `offset` on and returns their number, which is smaller than `into.length` only at
   * the end of the file. Offsets must not decrease from call to call: a download cannot go back.
   */
  read(offset: number, into: Uint8Array): Promise<number>;
  close(): Promise<void>;
}

/** A source over bytes in memory, which are not copied. */
export function bytesSource(bytes: Uint8Array, name = "memory"): ByteSource {
  return {
    name,
    size: bytes.length,
    read(offset, into) {
      const chunk = bytes.subarray(offset, offset + into.length);
      into.set(chunk);
      return Promise.resolve(chunk.length);
    },
    close: () => Promise.resolve(),
  };
}

/**
 * Reads `length` bytes into new memory.
 *
 * @throws SafetensorsError `TRUNCATED`
 */
export async function readExactly(source: ByteSource, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  await fill(source, offset, bytes);
  return bytes;
}

/**
 * Fills `into` completely.
 *
 * @throws SafetensorsError `TRUNCATED`
 */
export async function fill(source: ByteSource, offset: number, into: Uint8Array): Promise<void> {
  const count = await source.read(offset, into);
  if (count < into.length) {
    const message = `${source.name}: the file ends at byte ${offset + count}, expected at least ${offset + into.length}`;
    throw new SafetensorsError("TRUNCATED", message);
  }
}
