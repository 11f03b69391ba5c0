import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { sweepTemporary, temporaryPath } from "./temporaryFiles.ts";

/** The bytes of a file: all at once, chunks of them in order, or chunks of which some bytes are known only at the end. */
export type Content = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array> | PatchedChunks;

interface PatchedChunks {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Called after the last chunk: bytes that replace those from `offset` on. */
  readonly patch: () => Promise<{ readonly offset: number; readonly bytes: Uint8Array }>;
}

/** Throws the error of the file system as the caller's own. */
type Fail = (path: string, cause: unknown) => never;

const rethrow: Fail = (_, cause) => {
  throw cause;
};

/**
 * Writes files so that a crash leaves each of them with its old content or with its complete new content: all are written
 * and synced under temporary names, then renamed in the order given, then their folders are synced. The folders must
 * exist. On an error the temporary files are removed; files that are not renamed yet keep their old content. Temporary files
 * of killed processes in the same folders are removed first.
 *
 * @param fail called with each error of the file system and the path it is about. Default: throws the error itself
 * @throws what `fail` throws, and errors of the contents
 */
export async function replaceFiles(files: ReadonlyMap<string, Content>, fail: Fail = rethrow): Promise<void> {
  const folders = new Set([...files.keys()].map((path) => dirname(path)));
  for (const folder of folders) await sweepTemporary(folder).catch(at(folder, fail));
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
  for (const folder of folders) await syncFolder(folder, fail);
}

/** `replaceFiles` for one file. */
export async function replaceFile(path: string, content: Content): Promise<void> {
  await replaceFiles(new Map([[path, content]]));
}

async function writeSynced(path: string, content: Content, fail: Fail): Promise<void> {
  const handle = await open(path, "wx").catch(at(path, fail));
  try {
    const isPatched = "patch" in content;
    const chunks = content instanceof Uint8Array ? [content] : isPatched ? content.chunks : content;
    for await (const chunk of chunks) await handle.writeFile(chunk).catch(at(path, fail));
    if (isPatched) {
      const { offset, bytes } = await content.patch();
      await handle.write(bytes, 0, bytes.length, offset).catch(at(path, fail));
    }
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
