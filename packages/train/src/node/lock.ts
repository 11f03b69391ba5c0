import { randomUUID } from "node:crypto";
import { link, readFile, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { ifMissing, temporaryPath } from "@mamba/files";
import { TrainError } from "../errors.ts";

/** The content of a lock file: the process that owns the lock. */
interface Owner {
  readonly pid: number;
  readonly host: string;
  /** When the process started; undefined where the system does not tell. Process ids are reused. */
  readonly start: string | undefined;
  /** Identifies this lock among all locks of the process. */
  readonly id: string;
}

/** Ids of the locks that this process owns. */
const owned = new Set<string>();

/** Attempts while other processes acquire and release the same lock. */
const attempts = 5;

/**
 * A lock file naming its owner process. A lock whose owner has exited is stale and ignored, so `kill -9` never leaves a
 * folder locked.
 */
export class Lock {
  readonly #path: string;
  readonly #id: string;

  private constructor(path: string, id: string) {
    this.#path = path;
    this.#id = id;
  }

  /** @throws TrainError `IN_USE` when the owner is running, or is a process on another machine */
  static async acquire(path: string): Promise<Lock> {
    const owner: Owner = {
      pid: process.pid,
      host: hostname(),
      start: await startOf(process.pid),
      id: randomUUID(),
    };
    // The file is written under a temporary name and linked to its own, so that it is never there without its content.
    const temporary = temporaryPath(path);
    await writeFile(temporary, JSON.stringify(owner), { flag: "wx" });
    try {
      for (let attempt = 0; attempt < attempts; attempt++) {
        try {
          await link(temporary, path);
          owned.add(owner.id);
          return new Lock(path, owner.id);
        } catch (error) {
          const { code } = error as NodeJS.ErrnoException;
          if (code === "ENOENT") break; // another process acquired the lock and deleted all temporary files
          if (code !== "EEXIST") throw error;
        }
        const text = await readIfPresent(path);
        if (text !== undefined) {
          await checkStale(path, text);
          await deleteStale(path, text);
        }
      }
      const remedy = `if no other process is using the folder, delete ${deletionMark(path)}`;
      throw new TrainError(
        "IN_USE",
        `${dirname(path)}: other processes are acquiring its lock now; ${remedy}`,
      );
    } finally {
      await rm(temporary, { force: true });
    }
  }

  /** Deletes the lock file. A second call does nothing. */
  async release(): Promise<void> {
    if (!owned.delete(this.#id)) return;
    const text = await readIfPresent(this.#path);
    if (text !== undefined && parse(text)?.id === this.#id) await rm(this.#path, { force: true });
  }
}

/** @throws TrainError `IN_USE` unless the owner is known to have exited */
async function checkStale(path: string, text: string): Promise<void> {
  const owner = parse(text);
  if (!owner) return; // not a lock of ours, or incomplete after a crash of the machine
  const folder = dirname(path);
  if (owner.host !== hostname()) {
    throw new TrainError(
      "IN_USE",
      `${folder}: in use by process ${owner.pid} on ${owner.host}; if that process has exited, delete ${path}`,
    );
  }
  const start = await startOf(owner.pid);
  const isKnown = start !== undefined && owner.start !== undefined;
  const isReused = isKnown ? start !== owner.start : owner.pid === process.pid && !owned.has(owner.id);
  if (isRunning(owner.pid) && !isReused) {
    throw new TrainError("IN_USE", `${folder}: in use by process ${owner.pid}`);
  }
}

/**
 * Deletes a stale lock file if its content is still `stale`. Only the process that created the deletion mark may delete,
 * so no process deletes a lock that another one has acquired in the meantime.
 */
async function deleteStale(path: string, stale: string): Promise<void> {
  try {
    await writeFile(deletionMark(path), "", { flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return;
    throw error;
  }
  try {
    if ((await readIfPresent(path)) === stale) await rm(path);
  } finally {
    await rm(deletionMark(path), { force: true });
  }
}

/** The file that exists while a process deletes a stale lock. */
function deletionMark(path: string): string {
  return `${path}.removing`;
}

function parse(text: string): Owner | undefined {
  try {
    const owner = JSON.parse(text) as Partial<Owner> | null;
    const { pid, host, id } = owner ?? {};
    if (Number.isInteger(pid) && Number(pid) > 0 && typeof host === "string" && typeof id === "string") {
      return owner as Owner;
    }
  } catch {
    // not JSON
  }
  return undefined;
}

/** Signal 0 is not delivered; it tests that the process exists. EPERM means that it does, under another user. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Distinguishes two processes with the same id: on Linux the boot and the start time; undefined elsewhere. */
async function startOf(pid: number): Promise<string | undefined> {
  try {
    const [stat, boot] = await Promise.all([
      readFile(`/proc/${pid}/stat`, "utf8"),
      readFile("/proc/sys/kernel/random/boot_id", "utf8"),
    ]);
    // The process name, in parentheses, may contain spaces. The state follows it, and the start time is the 20th field
    // from there.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" ? "ended" : `${boot.trim()} ${fields[18] ?? ""}`;
  } catch {
    return undefined;
  }
}

function readIfPresent(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch(ifMissing);
}
