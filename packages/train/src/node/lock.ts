import { randomUUID } from "node:crypto";
import { link, lstat, readFile, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { setTimeout } from "node:timers/promises";
import { ifMissing, type Owner, stateOf, temporaryPath, thisProcess } from "@mamba/files";
import { TrainError } from "../errors.ts";

/** The content of a lock file: the process that owns the lock, and an id among all locks of the process. */
interface LockOwner extends Owner {
  readonly id: string;
}

/** Ids of the locks that this process owns. */
const owned = new Set<string>();

/** Attempts while other processes acquire and release the same lock, and the pause between two of them. */
const attempts = 50;
const pauseMs = 20;
/** Files that guard the deletion of each other: more than processes that are killed in the same microseconds. */
const mostGuards = 8;

/**
 * A lock file naming its owner process. A lock whose owner has exited is stale and ignored, so `kill -9` never leaves a
 * folder locked.
 *
 * Two processes may find a stale lock at once, and the slower one must not delete the new lock of the faster one. So only
 * the owner of a second lock file, `<path>.removing`, may delete a stale `<path>`, after it has read it again. That file
 * can become stale in the same way, and the same rule holds for it: it is guarded by `<path>.removing.removing`.
 */
export class Lock {
  readonly #path: string;
  readonly #id: string;

  private constructor(path: string, id: string) {
    this.#path = path;
    this.#id = id;
  }

  /**
   * @throws TrainError `IN_USE` when the owner is running, or is a process on another machine, and when a folder, link or
   * other thing that is not a file has the name of the lock
   */
  static async acquire(path: string): Promise<Lock> {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const id = await create(path);
      if (id !== undefined) return new Lock(path, id);
      await setTimeout(pauseMs * Math.random());
    }
    throw new TrainError(
      "IN_USE",
      `${dirname(path)}: other processes are acquiring its lock now; try again when they have it`,
    );
  }

  /** Deletes the lock file. A second call does nothing. */
  async release(): Promise<void> {
    await release(this.#path, this.#id);
  }
}

/**
 * Creates a lock file unless it is there, and deletes it when it is stale.
 *
 * @param guards number of guards around this file
 * @returns its id; undefined when the file was there and another attempt may succeed
 */
async function create(path: string, guards = 0): Promise<string | undefined> {
  const owner: LockOwner = { ...thisProcess(), id: randomUUID() };
  // The file is written under a temporary name and linked to its own, so that it is never there without its content.
  const temporary = temporaryPath(path);
  await writeFile(temporary, JSON.stringify(owner), { flag: "wx" });
  try {
    owned.add(owner.id);
    await link(temporary, path);
    return owner.id;
  } catch (error) {
    owned.delete(owner.id);
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    await rm(temporary, { force: true });
  }
  const text = await readLock(path);
  if (text === undefined) return undefined;
  const user = userOf(path, text);
  if (user !== undefined) {
    if (guards > 0) return undefined; // it deletes a stale lock now
    throw new TrainError("IN_USE", `${dirname(path)}: in use by process ${user}`);
  }
  if (guards < mostGuards) await deleteStale(path, text, guards);
  return undefined;
}

/** Deletes a stale lock file if its content is still `stale`, as the owner of its guard. */
async function deleteStale(path: string, stale: string, guards: number): Promise<void> {
  const guard = `${path}.removing`;
  const id = await create(guard, guards + 1);
  if (id === undefined) return;
  try {
    if ((await readLock(path)) === stale) await rm(path);
  } finally {
    await release(guard, id);
  }
}

async function release(path: string, id: string): Promise<void> {
  if (!owned.delete(id)) return;
  const text = await readLock(path);
  if (text !== undefined && parse(text)?.id === id) await rm(path, { force: true });
}

/** The process that uses a lock, in words; undefined when the lock is stale. */
function userOf(path: string, text: string): string | undefined {
  const owner = parse(text);
  if (!owner) return undefined; // not a lock of ours, or incomplete after a crash of the machine
  if (owner.host !== hostname())
    return `${owner.pid} on ${owner.host}; if that process has exited, delete ${path}`;
  // A system may not tell when a process started, but this process knows its own locks.
  const isOwnId =
    owner.pid === process.pid && (owner.start === undefined || thisProcess().start === undefined);
  const isStale = isOwnId ? !owned.has(owner.id) : stateOf(owner) === "exited";
  return isStale ? undefined : String(owner.pid);
}

function parse(text: string): LockOwner | undefined {
  try {
    const owner = JSON.parse(text) as Partial<LockOwner> | null;
    const { pid, host, id } = owner ?? {};
    if (Number.isInteger(pid) && Number(pid) > 0 && typeof host === "string" && typeof id === "string") {
      return owner as LockOwner;
    }
  } catch {
    // not JSON
  }
  return undefined;
}

/** @throws TrainError `IN_USE` when the path is not a file: such a thing is not ours to delete, and a pipe would hang. */
async function readLock(path: string): Promise<string | undefined> {
  const info = await lstat(path).catch(ifMissing);
  if (info === undefined) return undefined;
  if (!info.isFile()) {
    const kind = info.isDirectory() ? "folder" : info.isSymbolicLink() ? "symbolic link" : "special file";
    throw new TrainError(
      "IN_USE",
      `${dirname(path)} cannot be locked: ${path} is a ${kind} and not a lock file; remove it`,
    );
  }
  return readFile(path, "utf8").catch(ifMissing);
}
