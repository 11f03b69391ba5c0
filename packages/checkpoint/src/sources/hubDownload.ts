import { createHash, randomBytes } from "node:crypto";
import { access, copyFile, lstat, mkdir, open, rename, rm, symlink } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { show } from "@mamba/core/safetensors";
import { CheckpointError } from "../errors.ts";
import { isMissing } from "./folder.ts";

/** A file as the hub lists it. */
export interface HubFile {
  readonly path: string;
  readonly size: number;
  readonly oid?: string;
  /** Large files: `oid` is the SHA-256 of their content. */
  readonly lfs?: { readonly oid: string };
}

/**
 * Downloads a file into `blobs` of a repository's cache, unless it is there, and returns its path. The bytes are counted
 * and, for large files, hashed while they arrive. The file is renamed only when it is complete and correct, so the cache
 * never holds an incomplete file.
 *
 * @throws CheckpointError `HUB`
 */
export async function downloadBlob(
  storage: string,
  file: HubFile,
  fetchBlob: () => Promise<Blob | null>,
  onBytes: (bytes: number) => void,
): Promise<string> {
  const id = file.lfs?.oid ?? file.oid;
  if (
    id === undefined ||
    !/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(id) ||
    !Number.isSafeInteger(file.size) ||
    file.size < 0
  ) {
    throw new CheckpointError(
      "HUB",
      `the hub lists ${show(file.path)} with id ${show(id)} and size ${show(file.size)}`,
    );
  }
  const path = join(storage, "blobs", id);
  if (await exists(path)) {
    onBytes(file.size);
    return path;
  }
  const blob = await fetchBlob();
  if (!blob)
    throw new CheckpointError("HUB", `the hub lists ${show(file.path)}, but answers that it does not exist`);
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${randomBytes(6).toString("hex")}.incomplete`;
  const hash = createHash("sha256");
  const handle = await open(temporary, "wx");
  try {
    let bytes = 0;
    for await (const chunk of blob.stream() as AsyncIterable<Uint8Array>) {
      bytes += chunk.length;
      if (bytes > file.size) break;
      hash.update(chunk);
      await handle.writeFile(chunk);
      onBytes(bytes);
    }
    if (bytes !== file.size) {
      const received = `${bytes > file.size ? "more than " : ""}${Math.min(bytes, file.size)} bytes`;
      const message = `${file.path}: received ${received}`;
      throw new CheckpointError("HUB", `${message}, the hub lists ${file.size}`);
    }
    const digest = hash.digest("hex");
    if (file.lfs && digest !== id) {
      throw new CheckpointError(
        "HUB",
        `${file.path}: the received file has the SHA-256 ${digest}, the hub lists ${id}`,
      );
    }
    await handle.sync();
    await handle.close();
    await rename(temporary, path);
    return path;
  } catch (error) {
    await handle.close();
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Makes a blob available in a snapshot: as a relative link, or as a copy where the system has no links. */
export async function linkSnapshot(blob: string, path: string): Promise<void> {
  if (await exists(path)) return;
  await mkdir(dirname(path), { recursive: true });
  await rm(path, { force: true }); // a link to a blob that was deleted
  try {
    await symlink(relative(dirname(path), blob), path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" && (await lstat(path))) return; // another process made it
    if (code !== "EPERM" && code !== "ENOSYS") throw error;
    await copyFile(blob, path);
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    (error: unknown) => {
      if (isMissing(error)) return false;
      throw error;
    },
  );
}
