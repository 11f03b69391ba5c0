import type { ByteSource } from "@mamba/core/safetensors";
import { CheckpointError, messageOf } from "../errors.ts";
import type { CheckpointFiles } from "./source.ts";

/**
 * A checkpoint made of files that a user chose or dropped, or that are in the browser's own file system. Their bytes are
 * read chunk by chunk, when they are needed.
 *
 * @param blobs by name, such as `config.json`
 * @param label for messages
 */
export function blobFiles(blobs: ReadonlyMap<string, Blob>, label = "the chosen files"): CheckpointFiles {
  return {
    label,
    open(name) {
      const blob = blobs.get(name);
      return Promise.resolve(blob && blobSource(blob, name));
    },
  };
}

function blobSource(blob: Blob, name: string): ByteSource {
  return {
    name,
    size: blob.size,
    async read(offset, into) {
      try {
        const chunk = await blob.slice(offset, offset + into.length).arrayBuffer();
        into.set(new Uint8Array(chunk));
        return chunk.byteLength;
      } catch (cause) {
        // The file was changed, moved or deleted after it was chosen.
        throw new CheckpointError("IO", `${name}: the file cannot be read: ${messageOf(cause)}`, { cause });
      }
    },
    close: () => Promise.resolve(),
  };
}
