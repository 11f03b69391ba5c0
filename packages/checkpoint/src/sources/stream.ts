import type { ByteSource } from "@mamba/core/safetensors";

/** A source over a byte stream, such as the body of a response. It reads forward only; skipped bytes are dropped. */
export function streamSource(stream: ReadableStream<Uint8Array>, name: string, size?: number): ByteSource {
  const reader = stream.getReader();
  let position = 0;
  let rest = new Uint8Array(0); // received and not yet read

  /** Returns the next bytes of the stream, at most `limit`; none at the end. */
  const take = async (limit: number): Promise<Uint8Array> => {
    while (rest.length === 0) {
      const { done, value } = await reader.read();
      if (done) return rest;
      rest = value as Uint8Array<ArrayBuffer>;
    }
    const chunk = rest.subarray(0, limit);
    rest = rest.subarray(chunk.length);
    position += chunk.length;
    return chunk;
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
        const chunk = await take(into.length - filled);
        if (chunk.length === 0) break;
        into.set(chunk, filled);
        filled += chunk.length;
      }
      return filled;
    },
    close() {
      // Not awaited: some streams settle only when their other branch is cancelled too. A failed stream has ended already.
      reader.cancel().catch(() => undefined);
      return Promise.resolve();
    },
  };
}
