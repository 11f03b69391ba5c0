import { open, readdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { type ByteSource, show } from "@mamba/core/safetensors";
import { CheckpointError, messageOf } from "../errors.ts";
import { shardsOf } from "../gguf/choose.ts";
import { type CheckpointFiles, isPlainFileName } from "./source.ts";

/**
 * A source over a regular file.
 *
 * @throws CheckpointError `NOT_FOUND`, `IO`
 */
export async function fileSource(path: string): Promise<ByteSource> {
  const fail = (cause: unknown): never => {
    throw ioError(path, cause);
  };
  // Checked before opening: opening a pipe would wait for its writer.
  const info = await stat(path).catch(fail);
  if (!info.isFile()) throw new CheckpointError("IO", `${path}: not a regular file`);
  const handle = await open(path, "r").catch(fail);
  let closed = false;
  return {
    name: path,
    size: info.size,
    async read(offset, into) {
      let filled = 0;
      while (filled < into.length) {
        const { bytesRead } = await handle
          .read(into, filled, into.length - filled, offset + filled)
          .catch(fail);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return filled;
    },
    async close() {
      if (!closed) await handle.close();
      closed = true;
    },
  };
}

/**
 * The files of a folder. Symbolic links are followed only inside the folder. For a snapshot in the hub's cache, whose files
 * are links into `blobs`, they are followed inside its repository.
 *
 * @throws CheckpointError `NOT_FOUND` when there is no such folder, `IO`
 */
export async function folderFiles(folder: string, label = folder): Promise<CheckpointFiles> {
  const path = resolve(folder);
  const info = await stat(path).catch((cause: unknown) => {
    throw ioError(folder, cause);
  });
  if (!info.isDirectory()) {
    throw new CheckpointError(
      "NOT_FOUND",
      `${folder}: expected a GGUF file, or a folder with config.json and model.safetensors, got another file`,
    );
  }
  const root = await realpath(path);
  const isSnapshot =
    basename(dirname(root)) === "snapshots" && basename(dirname(dirname(root))).startsWith("models--");
  const bounds = isSnapshot ? [root, join(dirname(dirname(root)), "blobs")] : [root];
  return {
    label,
    list: () =>
      readdir(path).catch((cause: unknown) => {
        throw ioError(folder, cause);
      }),
    listFolder: (name) =>
      readdir(join(path, name)).catch((cause: unknown) => {
        if (isMissing(cause)) return [];
        throw ioError(join(folder, name), cause);
      }),
    async open(name) {
      const candidate = join(path, name);
      let real: string;
      try {
        real = await realpath(candidate);
      } catch (cause) {
        if (isMissing(cause)) return undefined;
        throw ioError(candidate, cause);
      }
      if (!bounds.some((bound) => isInside(real, bound))) {
        const message = `${candidate}: points outside its folder, to ${show(real)}; put the file itself into the folder`;
        throw new CheckpointError("PATH", message);
      }
      return { ...(await fileSource(real)), name: candidate };
    },
  };
}

/**
 * A GGUF file by its path, and the other shards of its model and the files of a tokenizer beside it. Symbolic links are followed: the caller named the file.
 */
export function ggufFiles(path: string): CheckpointFiles {
  const names = shardsOf(basename(path));
  const isTokenizer = (name: string) => /^(tokenizer|vocab|merges|added_tokens|chat_template)/.test(name);
  return {
    label: path,
    list: () => Promise.resolve(names),
    async open(name) {
      if (!names.includes(name) && !(isTokenizer(name) && isPlainFileName(name))) return undefined;
      try {
        return await fileSource(join(dirname(path), name));
      } catch (error) {
        if (CheckpointError.is(error, "NOT_FOUND")) return undefined;
        throw error;
      }
    },
  };
}

function isInside(path: string, folder: string): boolean {
  const route = relative(folder, path);
  return route !== "" && route !== ".." && !route.startsWith(`..${sep}`) && resolve(folder, route) === path;
}

export function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOENT" || code === "ENOTDIR";
}

/** The error for a failed system call on `path`. */
export function ioError(path: string, cause: unknown): CheckpointError {
  if (isMissing(cause))
    return new CheckpointError("NOT_FOUND", `${path}: there is no such file or folder`, { cause });
  return new CheckpointError("IO", `${path}: ${messageOf(cause)}`, { cause });
}
