import { type ByteSource, readExactly } from "@mamba/core/safetensors";
import { CheckpointError, rethrow } from "../errors.ts";

/** The files of one checkpoint. */
export interface CheckpointFiles {
  /** Folder, model name or URL, for messages. */
  readonly label: string;
  /**
   * Opens a file; undefined when there is none of this name.
   *
   * @throws CheckpointError `PATH` when the name points elsewhere, `IO`
   */
  open(name: string): Promise<ByteSource | undefined>;
  /** Returns the names of all files, where the place can list them. GGUF files, which have any name, are found by it. */
  list?(): Promise<readonly string[]>;
  /** Returns the names of the files in a subfolder, where the place can list them. Empty where there is no such folder. */
  listFolder?(folder: string): Promise<readonly string[]>;
}

/** True for a name that stays in its folder on every system and needs no escaping in a URL. */
export function isPlainFileName(name: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}$/.test(name);
}

/**
 * Reads a whole small file and closes it. Never allocates more than `cap` bytes.
 *
 * @throws CheckpointError `TOO_LARGE`, `TRUNCATED`
 */
export async function readAll(source: ByteSource, cap: number): Promise<Uint8Array> {
  try {
    if (source.size !== undefined)
      return await readExactly(source, 0, checkCap(source, source.size, cap)).catch(rethrow);
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

/** Reads a whole small file; undefined when there is no such file. */
export async function readOptional(
  files: CheckpointFiles,
  name: string,
  cap: number,
): Promise<Uint8Array | undefined> {
  const source = await files.open(name);
  return source && readAll(source, cap);
}

function checkCap(source: ByteSource, size: number, cap: number): number {
  if (size > cap)
    throw new CheckpointError("TOO_LARGE", `${source.name}: larger than the ${cap} bytes allowed here`);
  return size;
}
