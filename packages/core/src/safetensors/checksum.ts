import { sha256 } from "@noble/hashes/sha2.js";

/**
 * Metadata key of the checksum that files of this project carry: 64 hexadecimal digits. They are the SHA-256 of the SHA-256
 * digests of the file's chunks of 1 MiB (the last may be shorter), with the 64 digits themselves taken as zeros. Chunks are
 * hashed alone, so that the platform's own hash, which takes its bytes at once, needs no more than one chunk.
 */
export const checksumKey = "mamba_sha256";

/** The digits while the checksum is not known. */
export const emptyChecksum = "0".repeat(64);

const chunkBytes = 2 ** 20;
/** Chunks that are hashed while the next ones are read. */
const inFlight = 4;

interface SubtleCrypto {
  digest(name: string, bytes: Uint8Array): Promise<ArrayBuffer>;
}

/** The checksum of bytes that arrive in any chunks. */
export class Checksum {
  /** Reused at once: the platform copies the bytes that it hashes. */
  readonly #chunk = new Uint8Array(chunkBytes);
  #filled = 0;
  readonly #digests: Promise<Uint8Array>[] = [];

  async update(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      if (this.#filled === 0 && bytes.length - at >= chunkBytes) {
        await this.#add(bytes.subarray(at, at + chunkBytes));
        at += chunkBytes;
        continue;
      }
      const count = Math.min(chunkBytes - this.#filled, bytes.length - at);
      this.#chunk.set(bytes.subarray(at, at + count), this.#filled);
      this.#filled += count;
      at += count;
      if (this.#filled < chunkBytes) return;
      this.#filled = 0;
      await this.#add(this.#chunk);
    }
  }

  /** Hashes a whole chunk, whose bytes may change once the call has returned its promise. */
  #add(chunk: Uint8Array): Promise<unknown> {
    this.#digests.push(digest(chunk));
    return this.#digests.at(-inFlight) ?? Promise.resolve();
  }

  async digest(): Promise<string> {
    const all = await Promise.all([...this.#digests, digest(this.#chunk.subarray(0, this.#filled))]);
    const joined = new Uint8Array(all.length * 32);
    all.forEach((one, i) => joined.set(one, i * 32));
    return Array.from(await digest(joined), (byte) => byte.toString(16).padStart(2, "0")).join("");
  }
}

/** SHA-256 by the platform's own hash, which browsers offer in secure contexts only, or else in plain JavaScript. */
async function digest(bytes: Uint8Array): Promise<Uint8Array> {
  const { subtle } = (globalThis as { crypto?: { subtle?: SubtleCrypto } }).crypto ?? {};
  return subtle ? new Uint8Array(await subtle.digest("SHA-256", bytes)) : sha256(bytes);
}
