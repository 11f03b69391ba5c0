import { type ByteSource, bytesSource } from "@mamba/core/safetensors";
import { CheckpointError, messageOf } from "../errors.ts";
import type { CheckpointFiles } from "./source.ts";

/** The files of a checkpoint by their names, such as `config.json`. */
export type FileContents = ReadonlyMap<string, Blob | Uint8Array>;

/**
 * A checkpoint made of files that a user chose or dropped, or that are in the browser's own file system. Their bytes are
 * read chunk by chunk, when they are needed. Bytes in memory, such as those of `modelFiles`, are not copied.
 *
 * @param blobs by name, such as `config.json`
 * @param label for messages
 */
export function blobFiles(blobs: FileContents, label = "the chosen files"): CheckpointFiles {
  return {
    label,
    list: () => Promise.resolve([...blobs.keys()]),
    listFolder: (folder) =>
      Promise.resolve(
        [...blobs.keys()]
          .filter((name) => name.startsWith(`${folder}/`))
          .map((name) => name.slice(folder.length + 1)),
      ),
    open(name) {
      const blob = blobs.get(name);
      if (blob instanceof Uint8Array) return Promise.resolve(bytesSource(blob, name));
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
