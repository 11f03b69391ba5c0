import { randomBytes } from "node:crypto";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { safetensorsChunks, type TensorToWrite } from "@mamba/core/safetensors";
import { ioError } from "../sources/folder.ts";

/** What a file is written from: its bytes, or pieces of them in order. */
export type Content = Uint8Array | AsyncIterable<Uint8Array>;

/**
 * Writes files so that a crash leaves each of them either as it was or complete: all are first written and flushed
 * under temporary names, then renamed in the order given, then their folders are flushed. On an error the temporary
 * files are removed and the old ones are untouched.
 *
 * @throws CheckpointError `IO`
 */
export async function writeFiles(files: ReadonlyMap<string, Content>): Promise<void> {
  const temporary = new Map<string, string>();
  try {
    for (const [path, content] of files) {
      await mkdir(dirname(path), { recursive: true }).catch(rethrow(dirname(path)));
      const temp = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
      temporary.set(path, temp);
      await writeFlushed(temp, content);
    }
    for (const [path, temp] of temporary) await rename(temp, path).catch(rethrow(path));
    for (const folder of new Set([...files.keys()].map((path) => dirname(path)))) await flushFolder(folder);
  } catch (error) {
    for (const temp of temporary.values()) await rm(temp, { force: true });
    throw error;
  }
}

/**
 * Writes a safetensors file, one tensor in memory at a time, atomically.
 *
 * @throws CheckpointError `IO`; RangeError when a tensor is given twice or has the wrong number of bytes
 */
export async function writeSafetensors(
  path: string,
  tensors: readonly TensorToWrite[],
  metadata?: Readonly<Record<string, string>>,
): Promise<void> {
  await writeFiles(new Map([[path, safetensorsChunks(tensors, metadata)]]));
}

async function writeFlushed(path: string, content: Content): Promise<void> {
  const handle = await open(path, "wx").catch(rethrow(path));
  try {
    if (content instanceof Uint8Array) await handle.writeFile(content).catch(rethrow(path));
    else for await (const piece of content) await handle.writeFile(piece).catch(rethrow(path));
    await handle.sync().catch(rethrow(path));
  } finally {
    await handle.close();
  }
}

/** Makes the renames durable. Windows has no such call on folders, and needs none. */
async function flushFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(folder, "r").catch(rethrow(folder));
  try {
    await handle.sync().catch(rethrow(folder));
  } finally {
    await handle.close();
  }
}

function rethrow(path: string): (cause: unknown) => never {
  return (cause) => {
    throw ioError(path, cause);
  };
}
