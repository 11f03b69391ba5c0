import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";

// A file holds the SHA-256 of itself, with zeros in the place of the checksum. So it covers every other bit, the header's too.

/** The place of a checksum before it is known. */
export const noChecksum = "0".repeat(64);

const field = (checksum: string): Uint8Array => new TextEncoder().encode(`"sha256":"${checksum}"`);
const start = '"sha256":"'.length;

/**
 * Puts the checksum of a file into its header, which holds `noChecksum` in the field `sha256`.
 *
 * @param headerBytes the first bytes of the file, in which the field lies
 */
export function setChecksum(file: Uint8Array, headerBytes: number): void {
  const at = find(file.subarray(0, headerBytes), field(noChecksum));
  const checksum = bytesToHex(sha256(file));
  file.set(new TextEncoder().encode(checksum), at + start);
}

/** True when `file` has the checksum that its header states. */
export function hasChecksum(file: Uint8Array, headerBytes: number, checksum: string): boolean {
  const at = find(file.subarray(0, headerBytes), field(checksum));
  if (at === -1 || checksum.length !== noChecksum.length) return false;
  const hash = sha256.create();
  hash.update(file.subarray(0, at + start));
  hash.update(new TextEncoder().encode(noChecksum));
  hash.update(file.subarray(at + start + checksum.length));
  return bytesToHex(hash.digest()) === checksum;
}

/** Index of the first occurrence of `part` in `bytes`, or -1. */
function find(bytes: Uint8Array, part: Uint8Array): number {
  const [first = 0] = part;
  for (let at = bytes.indexOf(first); at !== -1; at = bytes.indexOf(first, at + 1)) {
    if (part.every((byte, i) => bytes[at + i] === byte)) return at;
  }
  return -1;
}
