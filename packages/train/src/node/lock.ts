import { randomUUID } from "node:crypto";
import { link, readFile, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { ifMissing, temporaryPath } from "@mamba/files";
import { TrainError } from "../errors.ts";

/** What a lock file holds. */
interface Owner {
  readonly pid: number;
  readonly host: string;
  /** When the process began, where the system tells: numbers of processes are used again. */
  readonly start: string | undefined;
  /** Of this one lock. */
  readonly id: string;
}

/** The locks that this process has. */
const held = new Set<string>();

/** Attempts while others take and give back the same lock. */
const attempts = 5;

/** A file that says which process has something. It counts only while that process runs, so it survives no `kill -9`. */
export class Lock {
  readonly #path: string;
  readonly #id: string;

  private constructor(path: string, id: string) {
    this.#path = path;
    this.#id = id;
  }

  /** @throws TrainError `IN_USE` when a running process has it, or one on another machine may */
  static async take(path: string): Promise<Lock> {
    const owner: Owner = {
      pid: process.pid,
      host: hostname(),
      start: await startOf(process.pid),
      id: randomUUID(),
    };
    // Made under another name and linked, the file is never there without its content.
    const own = temporaryPath(path);
    await writeFile(own, JSON.stringify(owner), { flag: "wx" });
    try {
      for (let attempt = 0; attempt < attempts; attempt++) {
        try {
          await link(own, path);
          held.add(owner.id);
          return new Lock(path, owner.id);
        } catch (error) {
          const { code } = error as NodeJS.ErrnoException;
          if (code === "ENOENT") break; // taken by another, who has cleaned the folder
          if (code !== "EEXIST") throw error;
        }
        const text = await readIfThere(path);
        if (text !== undefined) {
          await checkEnded(path, text);
          await remove(path, text);
        }
      }
      const remedy = `if none is, remove ${removing(path)}`;
      throw new TrainError("IN_USE", `${dirname(path)}: others are taking it at this moment; ${remedy}`);
    } finally {
      await rm(own, { force: true });
    }
  }

  /** Gives it back; again does nothing. */
  async release(): Promise<void> {
    if (!held.delete(this.#id)) return;
    const text = await readIfThere(this.#path);
    if (text !== undefined && parse(text)?.id === this.#id) await rm(this.#path, { force: true });
  }
}

/** @throws TrainError `IN_USE` unless the owner is known to have ended */
async function checkEnded(path: string, text: string): Promise<void> {
  const owner = parse(text);
  if (!owner) return; // not ours, or cut off by a crash of the machine
  const folder = dirname(path);
  if (owner.host !== hostname()) {
    throw new TrainError(
      "IN_USE",
      `${folder}: process ${owner.pid} on ${owner.host} has it; if that has ended, remove ${path}`,
    );
  }
  const start = await startOf(owner.pid);
  const isKnown = start !== undefined && owner.start !== undefined;
  const isOther = isKnown ? start !== owner.start : owner.pid === process.pid && !held.has(owner.id);
  if (isRunning(owner.pid) && !isOther) {
    throw new TrainError("IN_USE", `${folder}: process ${owner.pid} has it`);
  }
}

/**
 * Removes the lock that was judged, if it is still that one. Only who has made a second file may remove, so nobody takes
 * away what another has put there in the meantime.
 */
async function remove(path: string, judged: string): Promise<void> {
  try {
    await writeFile(removing(path), "", { flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return;
    throw error;
  }
  try {
    if ((await readIfThere(path)) === judged) await rm(path);
  } finally {
    await rm(removing(path), { force: true });
  }
}

/** The file that whoever removes a left-over lock has while they do. */
function removing(path: string): string {
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

/** Signal 0 is not sent: it asks. A process of somebody else may not be asked, but is there. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** What tells two processes of one number apart: on Linux the boot and the tick of its start; elsewhere unknown. */
async function startOf(pid: number): Promise<string | undefined> {
  try {
    const [stat, boot] = await Promise.all([
      readFile(`/proc/${pid}/stat`, "utf8"),
      readFile("/proc/sys/kernel/random/boot_id", "utf8"),
    ]);
    // The name, in parentheses, may hold blanks; the state follows it, and the start is the 20th field from there.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" ? "ended" : `${boot.trim()} ${fields[18] ?? ""}`;
  } catch {
    return undefined;
  }
}

function readIfThere(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch(ifMissing);
}
