import { randomBytes } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** The bytes of a file: all at once, or chunks of them in order. */
export type Content = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** Matches the names that `temporaryPath` gives, without their folder. */
export const temporaryName = /^\..+\.[0-9a-f]{12}\.tmp$/;

/** An unused name in the folder of `path`, for a file that is renamed to `path` when it is complete. */
export function temporaryPath(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
}

/** Throws the error of the file system as the caller's own. */
type Fail = (path: string, cause: unknown) => never;

const rethrow: Fail = (_, cause) => {
  throw cause;
};

/**
 * Writes files so that a crash leaves each of them with its old content or with its complete new content: all are written
 * and synced under temporary names, then renamed in the order given, then their folders are synced. The folders must
 * exist. On an error the temporary files are removed; files that are not renamed yet keep their old content.
 *
 * @param fail called with each error of the file system and the path it is about. Default: throws the error itself
 * @throws what `fail` throws, and errors of the contents
 */
export async function replaceFiles(files: ReadonlyMap<string, Content>, fail: Fail = rethrow): Promise<void> {
  const temporary = new Map<string, string>();
  try {
    for (const [path, content] of files) {
      const name = temporaryPath(path);
      temporary.set(path, name);
      await writeSynced(name, content, fail);
    }
    for (const [path, name] of temporary) await rename(name, path).catch(at(path, fail));
  } catch (error) {
    for (const name of temporary.values()) await rm(name, { force: true });
    throw error;
  }
  for (const folder of new Set([...files.keys()].map((path) => dirname(path)))) {
    await syncFolder(folder, fail);
  }
}

/** `replaceFiles` for one file. */
export async function replaceFile(path: string, content: Content): Promise<void> {
  await replaceFiles(new Map([[path, content]]));
}

async function writeSynced(path: string, content: Content, fail: Fail): Promise<void> {
  const handle = await open(path, "wx").catch(at(path, fail));
  try {
    const chunks = content instanceof Uint8Array ? [content] : content;
    for await (const chunk of chunks) await handle.writeFile(chunk).catch(at(path, fail));
    await handle.sync().catch(at(path, fail));
  } finally {
    await handle.close();
  }
}

/** Makes renames durable. Windows has no such call for folders, and does not need one. */
async function syncFolder(folder: string, fail: Fail): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(folder, "r").catch(at(folder, fail));
  try {
    await handle.sync().catch(at(folder, fail));
  } finally {
    await handle.close();
  }
}

function at(path: string, fail: Fail): (cause: unknown) => never {
  return (cause) => fail(path, cause);
}
