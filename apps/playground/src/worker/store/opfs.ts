// The browser's own file system (OPFS), with the synchronous access to files that workers have.

import { CheckpointError } from "@mamba/checkpoint/browser";

/** Synchronous file access. The DOM type library lacks it. */
export interface SyncFile {
  read(into: Uint8Array, at: { at: number }): number;
  write(bytes: Uint8Array, at: { at: number }): number;
  getSize(): number;
  truncate(size: number): void;
  flush(): void;
  close(): void;
}
type SyncHandle = FileSystemFileHandle & { createSyncAccessHandle(): Promise<SyncFile> };

/**
 * A folder of the page, which is created when it is missing.
 *
 * @throws CheckpointError `IO` where the browser gives this page no file system
 */
export async function pageFolder(name: string): Promise<FileSystemDirectoryHandle> {
  const storage = (navigator as { storage?: StorageManager }).storage;
  if (!storage?.getDirectory) {
    const reason = "this page has no private file system for models; it needs https or localhost";
    throw new CheckpointError("IO", `${reason}, and a window that is not private in some browsers`);
  }
  return (await storage.getDirectory()).getDirectoryHandle(name, { create: true });
}

/** Opens a file for reading and writing, and creates it when it is missing. One opener at a time. */
export async function openSync(folder: FileSystemDirectoryHandle, name: string): Promise<SyncFile> {
  const handle = (await folder.getFileHandle(name, { create: true })) as SyncHandle;
  return handle.createSyncAccessHandle();
}

/** Replaces a small file. */
export async function writeFile(
  folder: FileSystemDirectoryHandle,
  name: string,
  bytes: Uint8Array,
): Promise<void> {
  const file = await openSync(folder, name);
  try {
    file.truncate(0);
    file.write(bytes, { at: 0 });
    file.flush();
  } finally {
    file.close();
  }
}

/** The content of a file; undefined when it is missing. */
export async function readFile(folder: FileSystemDirectoryHandle, name: string): Promise<File | undefined> {
  try {
    return await (await folder.getFileHandle(name)).getFile();
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Removes a file or a folder with its content, which may be missing. */
export async function remove(folder: FileSystemDirectoryHandle, name: string): Promise<void> {
  try {
    await folder.removeEntry(name, { recursive: true });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

export function isFolder(entry: FileSystemHandle): entry is FileSystemDirectoryHandle {
  return entry.kind === "directory";
}

export function isFile(entry: FileSystemHandle): entry is FileSystemFileHandle {
  return entry.kind === "file";
}

function isNotFound(error: unknown): boolean {
  return error instanceof DOMException && error.name === "NotFoundError";
}
