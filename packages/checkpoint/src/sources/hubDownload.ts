import type { Hash } from "node:crypto";
import { copyFile, lstat, mkdir, open, readdir, rename, rm, stat, symlink } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { show } from "@mamba/core/safetensors";
import { isStale, isTemporary, sweepTemporary, temporaryPath } from "@mamba/files";
import { CheckpointError } from "../errors.ts";
import { hashFile, hashFor, isContentId } from "./contentHash.ts";
import { isMissing } from "./folder.ts";
import { type FileBytes, type HubFile, HubUnreachable } from "./hubClient.ts";

/** A download that was interrupted is kept for this long, so that the next one can go on from there. */
const keptMs = 7 * 24 * 60 * 60 * 1000;
/** A connection that breaks after some bytes is followed by another one, so many times. */
const mostConnections = 20;

/** How a blob is downloaded. */
export interface BlobRequest {
  /** Folder of the model's repository in the cache. */
  readonly storage: string;
  readonly file: HubFile;
  /** Requests the bytes from an offset on. */
  readonly open: (start: number) => Promise<FileBytes>;
  /** Called with the bytes that are there. */
  readonly onBytes: (bytes: number) => void;
  /** Compare a blob that is there with its hash. */
  readonly verify: boolean;
  readonly signal: AbortSignal | undefined;
}

/**
 * The id of a file's content: the name of its blob.
 *
 * @throws CheckpointError `HUB` when the hub gives none, or an invalid size
 */
function blobId(file: HubFile): string {
  const id = file.lfs?.oid ?? file.oid;
  if (isContentId(id) && Number.isSafeInteger(file.size) && file.size >= 0) return id;
  const message = `the hub lists ${show(file.path)} with id ${show(id)} and size ${show(file.size)}`;
  throw new CheckpointError("HUB", message);
}

/**
 * Returns the path of a file's blob, which is downloaded unless it is in the cache with the right size and content. Bytes are
 * counted and hashed while they arrive, and the blob gets its name when it is complete and right, so the cache never holds an
 * incomplete one. A download that was interrupted or killed goes on where it ended.
 *
 * @throws HubUnreachable; CheckpointError `HUB`
 */
export async function downloadBlob(request: BlobRequest): Promise<string> {
  const { storage, file, onBytes, verify, signal } = request;
  const path = join(storage, "blobs", blobId(file));
  if (await isWhole(path, file, verify, signal)) {
    onBytes(file.size);
    return path;
  }
  await mkdir(dirname(path), { recursive: true });
  const temporary = temporaryPath(path);
  const isResumed = await claimPartial(path, temporary);
  await sweep(dirname(path));
  try {
    try {
      await fill(temporary, request);
    } catch (error) {
      if (!isResumed || !CheckpointError.is(error, "HUB")) throw error;
      await rm(temporary, { force: true }); // the kept bytes were wrong: once more from the beginning
      await fill(temporary, request);
    }
    await rename(temporary, path);
    return path;
  } catch (error) {
    // After an interruption the bytes are right as far as they go.
    if (CheckpointError.is(error)) await rm(temporary, { force: true });
    else await rename(temporary, partialPath(path)).catch(() => undefined);
    throw error;
  }
}

/** True when the file at `path` has the size and, with `verify`, the content that the hub lists. */
export async function isWhole(
  path: string,
  file: HubFile,
  verify: boolean,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const info = await stat(path).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (!info?.isFile() || info.size !== file.size) return false;
  if (!verify) return true;
  const id = blobId(file);
  const hash = hashFor(id, file.size);
  await hashFile(path, hash, file.size, signal);
  return hash.digest("hex") === id;
}

/** The name under which an interrupted download is kept. */
function partialPath(path: string): string {
  return `${path}.incomplete`;
}

/** Takes over the bytes of an interrupted or killed download. Renaming lets one process have them. */
async function claimPartial(path: string, temporary: string): Promise<boolean> {
  const stem = `.${basename(path)}.`;
  const killed = (await readdir(dirname(path))).filter((name) => name.startsWith(stem) && isTemporary(name));
  for (const candidate of [partialPath(path), ...killed.map((name) => join(dirname(path), name))]) {
    if (isTemporary(basename(candidate)) && !(await isStale(candidate))) continue;
    try {
      await rename(candidate, temporary);
      return true;
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
  return false;
}

/** Deletes the downloads of other files that nobody went on with. */
async function sweep(blobs: string): Promise<void> {
  await sweepTemporary(blobs, keptMs);
  for (const name of await readdir(blobs)) {
    const path = join(blobs, name);
    if (!name.endsWith(".incomplete")) continue;
    const info = await stat(path).catch(() => undefined);
    if (info && Date.now() - info.mtimeMs > keptMs) await rm(path, { force: true });
  }
}

/** Appends to the file at `path` until it is complete, and checks it. */
async function fill(path: string, { file, open: connect, onBytes, signal }: BlobRequest): Promise<void> {
  const id = blobId(file);
  const handle = await open(path, "a");
  /** The first `bytes` of the file, hashed; the rest is cut off. */
  const begin = async (bytes: number): Promise<{ bytes: number; readonly hash: Hash }> => {
    const hash = hashFor(id, file.size);
    await handle.truncate(bytes);
    await hashFile(path, hash, bytes, signal);
    return { bytes, hash };
  };
  try {
    const { size } = await handle.stat();
    let done = await begin(size < file.size ? size : 0);
    for (let connections = 0, isOpen = true; isOpen; connections++) {
      const before = done.bytes;
      try {
        const { start, chunks } = await connect(before);
        if (start !== before) done = await begin(0);
        for await (const chunk of chunks) {
          done.bytes += chunk.length;
          if (done.bytes > file.size) break;
          done.hash.update(chunk);
          await handle.writeFile(chunk);
          onBytes(done.bytes);
        }
        isOpen = false;
      } catch (error) {
        const isBroken = error instanceof HubUnreachable && done.bytes > before;
        if (!isBroken || connections === mostConnections) throw error;
      }
    }
    if (done.bytes !== file.size) {
      const received = done.bytes > file.size ? `more than ${file.size} bytes` : `${done.bytes} bytes`;
      throw new CheckpointError("HUB", `${file.path}: received ${received}, the hub lists ${file.size}`);
    }
    const digest = done.hash.digest("hex");
    if (digest !== id) {
      const kind = id.length === 64 ? "SHA-256" : "git id";
      const message = `${file.path}: the received file has the ${kind} ${digest}, the hub lists ${id}`;
      throw new CheckpointError("HUB", message);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes a blob available in a snapshot: as a relative link, or as a copy where the system has no links. */
export async function linkSnapshot(blob: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const target = relative(dirname(path), blob);
  await rm(path, { force: true }); // an older link, or a copy that may be damaged
  try {
    await symlink(target, path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" && (await lstat(path))) return; // another process made it
    if (code !== "EPERM" && code !== "ENOSYS") throw error;
    await copyFile(blob, path);
  }
}
