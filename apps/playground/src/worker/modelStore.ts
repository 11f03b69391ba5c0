// Models in the browser's own file system (OPFS). Each has a folder with the checkpoint's files and a record, which is
// written last. A folder without a record is the rest of an interrupted download.

import { blobFiles, type ByteSource, CheckpointError, type CheckpointFiles } from "@mamba/checkpoint/browser";
import type { StoredModel } from "../protocol.ts";
import { parseRecord } from "./modelRecord.ts";

const recordName = "playground-model.json";
const chunkBytes = 4 * 2 ** 20;

/** Synchronous file access, which workers have. The DOM type library lacks it. */
interface SyncFile {
  write(bytes: Uint8Array, at: { at: number }): number;
  flush(): void;
  close(): void;
}
type SyncHandle = FileSystemFileHandle & { createSyncAccessHandle(): Promise<SyncFile> };

/** Called with the bytes written so far and, where the source announces it, their total. */
export type OnBytes = (file: string, done: number, total: number | undefined) => void;

/** All stored models, sorted by name. */
export async function listModels(): Promise<StoredModel[]> {
  const models: StoredModel[] = [];
  for await (const folder of (await root()).values()) {
    if (!isFolder(folder)) continue;
    const model = await readRecord(folder);
    if (model) models.push(model);
    else await removeIncomplete(folder);
  }
  return models.sort((a, b) => a.name.localeCompare(b.name));
}

/** The files of a stored model. */
export async function storedFiles(id: string): Promise<CheckpointFiles> {
  const folder = await (await root()).getDirectoryHandle(id);
  const model = await readRecord(folder);
  const blobs = new Map<string, Blob>();
  for await (const entry of folder.values()) {
    if (isFile(entry)) blobs.set(entry.name, await entry.getFile());
  }
  return blobFiles(blobs, model?.name ?? id);
}

export async function removeModel(id: string): Promise<void> {
  await (await root()).removeEntry(id, { recursive: true });
}

/**
 * Copies a checkpoint into the store: each file that `check` opens, when it opens it. When `check` or a copy fails, nothing
 * stays in the store.
 *
 * @param check reads the files and throws when they are not a checkpoint
 */
export async function storeModel(
  origin: CheckpointFiles,
  about: Pick<StoredModel, "name" | "url">,
  check: (files: CheckpointFiles) => Promise<unknown>,
  onBytes: OnBytes,
  signal: AbortSignal,
): Promise<StoredModel> {
  const id = crypto.randomUUID();
  return navigator.locks.request(lockName(id), async () => {
    const folder = await (await root()).getDirectoryHandle(id, { create: true });
    try {
      let bytes = 0;
      const copies = new Map<string, Promise<Blob | undefined>>();
      const copy = async (name: string): Promise<Blob | undefined> => {
        const source = await origin.open(name);
        if (!source) return undefined;
        const blob = await copyFile(source, folder, name, onBytes, signal);
        bytes += blob.size;
        return blob;
      };
      await check({
        label: origin.label,
        ...(origin.list && { list: origin.list.bind(origin) }),
        async open(name) {
          const blob = copies.get(name) ?? copy(name);
          copies.set(name, blob);
          const found = await blob;
          return found && blobFiles(new Map([[name, found]])).open(name);
        },
      });
      const record = { ...about, bytes };
      await writeFile(folder, recordName, (file) => {
        file.write(new TextEncoder().encode(JSON.stringify(record)), { at: 0 });
      });
      return { id, ...record };
    } catch (cause) {
      await removeModel(id).catch(() => undefined); // the first error is the one to report
      if (!(cause instanceof DOMException && cause.name === "QuotaExceededError")) throw cause;
      const { usage = 0, quota = 0 } = await navigator.storage.estimate();
      const free = Math.floor(Math.max(quota - usage, 0) / 1e6);
      const message = `${origin.label}: the browser's storage is full, ${free} MB are left for this page; delete a model`;
      throw new CheckpointError("IO", message, { cause });
    }
  });
}

async function copyFile(
  source: ByteSource,
  folder: FileSystemDirectoryHandle,
  name: string,
  onBytes: OnBytes,
  signal: AbortSignal,
): Promise<Blob> {
  const chunk = new Uint8Array(chunkBytes);
  let done = 0;
  try {
    const handle = await writeFile(folder, name, async (file) => {
      for (;;) {
        signal.throwIfAborted();
        const count = await source.read(done, chunk);
        file.write(chunk.subarray(0, count), { at: done });
        done += count;
        onBytes(name, done, source.size);
        if (count < chunk.length) break;
      }
      if (source.size !== undefined && done !== source.size) {
        const message = `${source.name}: received ${done} bytes, ${source.size} were announced`;
        throw new CheckpointError("TRUNCATED", message);
      }
    });
    return await handle.getFile();
  } finally {
    await source.close();
  }
}

async function writeFile(
  folder: FileSystemDirectoryHandle,
  name: string,
  write: (file: SyncFile) => void | Promise<void>,
): Promise<FileSystemFileHandle> {
  const handle = (await folder.getFileHandle(name, { create: true })) as SyncHandle;
  const file = await handle.createSyncAccessHandle();
  try {
    await write(file);
    file.flush();
  } finally {
    file.close();
  }
  return handle;
}

async function readRecord(folder: FileSystemDirectoryHandle): Promise<StoredModel | undefined> {
  try {
    const file = await (await folder.getFileHandle(recordName)).getFile();
    return parseRecord(await file.text(), folder.name);
  } catch {
    return undefined; // missing or incomplete: the folder holds no complete model
  }
}

/** Removes an incomplete model, unless another tab is writing it. */
async function removeIncomplete(folder: FileSystemDirectoryHandle): Promise<void> {
  await navigator.locks.request(lockName(folder.name), { ifAvailable: true }, async (lock) => {
    // Another tab may have completed it in the meantime.
    if (lock && !(await readRecord(folder))) await removeModel(folder.name);
  });
}

function lockName(id: string): string {
  return `playground-model-${id}`;
}

async function root(): Promise<FileSystemDirectoryHandle> {
  const storage = (navigator as { storage?: StorageManager }).storage;
  if (!storage?.getDirectory) {
    const reason = "this page has no private file system for models; it needs https or localhost";
    throw new CheckpointError("IO", `${reason}, and a window that is not private in some browsers`);
  }
  return (await storage.getDirectory()).getDirectoryHandle("models", { create: true });
}

function isFolder(entry: FileSystemHandle): entry is FileSystemDirectoryHandle {
  return entry.kind === "directory";
}

function isFile(entry: FileSystemHandle): entry is FileSystemFileHandle {
  return entry.kind === "file";
}
