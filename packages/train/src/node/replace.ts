import { randomBytes } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** What temporary files are called. */
export const temporaryName = /^\..+\.[0-9a-f]{12}\.tmp$/;

/** A name beside a file that nobody else takes. */
export function temporaryPath(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
}

/**
 * Writes a file so that a crash at any moment leaves the old one or the complete new one: the pieces go to a temporary
 * file, which is flushed, renamed, and its folder flushed. The folder must exist.
 *
 * @throws the error of the file system; the temporary file is gone then
 */
export async function replaceFile(
  path: string,
  pieces: () => AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<void> {
  const folder = dirname(path);
  const temporary = temporaryPath(path);
  try {
    const handle = await open(temporary, "wx");
    try {
      for await (const piece of pieces()) await handle.writeFile(piece);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  if (process.platform === "win32") return; // has no such call on folders, and needs none
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** For `catch`: undefined where there is no file. */
export function ifMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
