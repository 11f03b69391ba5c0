import type { ByteSource } from "@mamba/core/safetensors";
import { CheckpointError } from "../errors.ts";

const scratchBytes = 2 ** 20;

/**
 * A source that can go back, for formats with a directory at their end. Downloads read forward only, so the file is opened
 * again whenever an offset decreases: at no cost for files and for ranges of a server, and for a stream by reading it again.
 *
 * @param open opens the file; undefined when there is none
 * @returns undefined when there is no such file. The size of the source is known
 * @throws CheckpointError `IO` when the file is gone when it is opened again
 */
export async function rewindable(
  open: () => Promise<ByteSource | undefined>,
): Promise<(ByteSource & { readonly size: number }) | undefined> {
  const first = await open();
  if (!first) return undefined;
  let current = first;
  let position = 0;
  let size = first.size;
  const read = async (offset: number, into: Uint8Array): Promise<number> => {
    if (offset < position) {
      await current.close();
      position = 0;
      const again = await open();
      if (!again)
        throw new CheckpointError("IO", `${first.name}: the file disappeared while it was being read`);
      current = again;
    }
    position = offset;
    const count = await current.read(offset, into);
    position = offset + count;
    return count;
  };
  if (size === undefined) {
    // The server does not announce it: the stream is read to its end.
    const scratch = new Uint8Array(scratchBytes);
    for (let count = scratchBytes; count === scratchBytes;) count = await read(position, scratch);
    size = position;
  }
  return { name: first.name, size, read, close: () => current.close() };
}
