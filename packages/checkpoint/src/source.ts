import { CheckpointError } from "./errors.ts";

/** The bytes of one file, wherever they come from: a disk, a download, memory. */
export interface ByteSource {
  /** For messages: a path or URL. */
  readonly name: string;
  /** Undefined for a download whose length the server does not say. */
  readonly size: number | undefined;
  /**
   * Fills `into` from byte `offset` on, and returns how many bytes there were: fewer than asked only at the end. A
   * caller must not go backwards: a download cannot.
   */
  read(offset: number, into: Uint8Array): Promise<number>;
  close(): Promise<void>;
}

/** The files of one checkpoint. */
export interface CheckpointFiles {
  /** For messages: the folder, model name or URL. */
  readonly label: string;
  /**
   * Undefined when there is no file of this name.
   *
   * @throws CheckpointError `PATH` when the name leads elsewhere, `IO`
   */
  open(name: string): Promise<ByteSource | undefined>;
}

/** A source over bytes in memory, which are not copied. */
export function bytesSource(bytes: Uint8Array, name = "memory"): ByteSource {
  return {
    name,
    size: bytes.length,
    read(offset, into) {
      const piece = bytes.subarray(offset, offset + into.length);
      into.set(piece);
      return Promise.resolve(piece.length);
    },
    close: () => Promise.resolve(),
  };
}

/** A source over a byte stream, such as the body of a response. It only goes forward; skipped bytes are dropped. */
export function streamSource(stream: ReadableStream<Uint8Array>, name: string, size?: number): ByteSource {
  const reader = stream.getReader();
  let position = 0;
  let rest = new Uint8Array(0);

  /** Takes up to `limit` bytes off the stream; empty at the end. */
  const take = async (limit: number): Promise<Uint8Array> => {
    while (rest.length === 0) {
      const { done, value } = await reader.read();
      if (done) return rest;
      rest = value as Uint8Array<ArrayBuffer>;
    }
    const piece = rest.subarray(0, limit);
    rest = rest.subarray(piece.length);
    position += piece.length;
    return piece;
  };

  return {
    name,
    size,
    async read(offset, into) {
      if (offset < position)
        throw new RangeError(`${name}: a stream cannot go back from ${position} to ${offset}`);
      while (position < offset) if ((await take(offset - position)).length === 0) return 0;
      let filled = 0;
      while (filled < into.length) {
        const piece = await take(into.length - filled);
        if (piece.length === 0) break;
        into.set(piece, filled);
        filled += piece.length;
      }
      return filled;
    },
    close() {
      // Not awaited: some streams settle only when their other branch is cancelled too. Broken ones are already over.
      reader.cancel().catch(() => undefined);
      return Promise.resolve();
    },
  };
}

/**
 * Reads a whole small file and closes it. No more than `cap` bytes are ever allocated.
 *
 * @throws CheckpointError `TOO_LARGE`
 */
export async function readAll(source: ByteSource, cap: number): Promise<Uint8Array> {
  try {
    if (source.size !== undefined) return await readExactly(source, 0, checkCap(source, source.size, cap));
    let bytes = new Uint8Array(Math.min(cap, 65536));
    let length = 0;
    for (;;) {
      const count = await source.read(length, bytes.subarray(length));
      length += count;
      if (length < bytes.length) return bytes.subarray(0, length);
      checkCap(source, length + 1, cap);
      const larger = new Uint8Array(Math.min(cap + 1, bytes.length * 2));
      larger.set(bytes);
      bytes = larger;
    }
  } finally {
    await source.close();
  }
}

/** @throws CheckpointError `TRUNCATED` */
export async function readExactly(source: ByteSource, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  await fill(source, offset, bytes);
  return bytes;
}

/** @throws CheckpointError `TRUNCATED` */
export async function fill(source: ByteSource, offset: number, into: Uint8Array): Promise<void> {
  const count = await source.read(offset, into);
  if (count < into.length) {
    const message = `${source.name}: the file ends at byte ${offset + count}, expected at least ${offset + into.length}`;
    throw new CheckpointError("TRUNCATED", message);
  }
}

function checkCap(source: ByteSource, size: number, cap: number): number {
  if (size > cap)
    throw new CheckpointError("TOO_LARGE", `${source.name}: larger than the ${cap} bytes allowed here`);
  return size;
}
