import { createHash, type Hash } from "node:crypto";
import { open } from "node:fs/promises";

const chunkBytes = 4 * 2 ** 20;

/**
 * The ids of contents in the hub's cache: 64 hexadecimal digits are the SHA-256 of a large file, 40 are the SHA-1 of a small
 * one as a git blob, which has the size before the content.
 */
const idPattern = /^[0-9a-f]{40}([0-9a-f]{24})?$/;

export function isContentId(id: unknown): id is string {
  return typeof id === "string" && idPattern.test(id);
}

/** The hash whose digest is compared with an id. */
export function hashFor(id: string, size: number): Hash {
  return id.length === 64 ? createHash("sha256") : createHash("sha1").update(`blob ${size}\0`);
}

/** Reads the first `size` bytes of a file into a hash. */
export async function hashFile(path: string, hash: Hash, size: number, signal?: AbortSignal): Promise<void> {
  const handle = await open(path, "r");
  try {
    const buffer = new Uint8Array(Math.min(chunkBytes, size));
    for (let at = 0; at < size;) {
      signal?.throwIfAborted();
      const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, size - at), at);
      if (bytesRead === 0) return;
      hash.update(buffer.subarray(0, bytesRead));
      at += bytesRead;
    }
  } finally {
    await handle.close();
  }
}
