import type { ByteRange } from "@mamba/core/safetensors";
import type { WeightFile } from "../formats/weights.ts";

/** Some bytes of a tensor. */
export interface BytesToRead {
  /** Name of the tensor in its file. */
  readonly name: string;
  /** At most as many bytes as a buffer has. */
  readonly range: ByteRange;
}

/**
 * Reads chunks of tensors in order, the next one while the caller uses the last.
 *
 * @param buffers two buffers, which the chunks fill in turn: the bytes of a chunk are valid until the one after the next is asked for
 */
export async function* readAhead<C extends BytesToRead>(
  file: Pick<WeightFile, "chunks">,
  chunks: readonly C[],
  buffers: readonly [Uint8Array, Uint8Array],
): AsyncGenerator<readonly [chunk: C, bytes: Uint8Array], void, undefined> {
  const read = async (index: number): Promise<readonly [C, Uint8Array] | undefined> => {
    const chunk = chunks[index];
    if (!chunk) return undefined;
    const { name, range } = chunk;
    const buffer = buffers[index % 2 === 0 ? 0 : 1];
    for await (const bytes of file.chunks(name, buffer, range)) return [chunk, bytes];
    return [chunk, buffer.subarray(0, 0)];
  };
  let next = read(0);
  try {
    for (let index = 1; ; index++) {
      const found = await next;
      if (!found) return;
      next = read(index);
      next.catch(() => undefined); // thrown when the caller asks for the chunk, perhaps later than the engine waits for a handler
      yield found;
    }
  } finally {
    // When the caller stops early, the file must not be closed while it is read.
    await next.catch(() => undefined);
  }
}
