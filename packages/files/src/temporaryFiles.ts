import { createHash, randomBytes } from "node:crypto";
import { readdir, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { ifMissing } from "./ifMissing.ts";
import { stateOf, thisProcess } from "./owner.ts";

// The name of a temporary file says which process writes it: `.model.safetensors.4711-c0ffee12-0badcafe-0123456789ab.tmp`
// has the process id, a hash of the process's start, a hash of the machine's name, and a random number.

const namePattern = /^\..+\.(\d+)-([0-9a-f]{8})-([0-9a-f]{8})-[0-9a-f]{12}\.tmp$/;

/** A file of a process on another machine is stale when nothing was written to it for this long. */
const staleMs = 24 * 60 * 60 * 1000;

/** True for the names that `temporaryPath` gives, without their folder. */
export function isTemporary(name: string): boolean {
  return namePattern.test(name);
}

/** An unused name in the folder of `path`, for a file that is renamed to `path` when it is complete. */
export function temporaryPath(path: string): string {
  const { pid, host, start } = thisProcess();
  const owner = `${pid}-${hash(start ?? "")}-${hash(host)}`;
  // File names have at most 255 bytes.
  const stem = basename(path).slice(0, 65);
  return join(dirname(path), `.${stem}.${owner}-${randomBytes(6).toString("hex")}.tmp`);
}

/**
 * Deletes the temporary files of processes that have exited, such as those of a killed process. Those of running processes
 * stay. A folder that does not exist has none.
 *
 * @param keptMs keep files that were written to in the last so many milliseconds. Default 0
 */
export async function sweepTemporary(folder: string, keptMs = 0): Promise<void> {
  for (const name of (await readdir(folder).catch(ifMissing)) ?? []) {
    const path = join(folder, name);
    if (!isTemporary(name) || !(await isStale(path))) continue;
    const info = keptMs > 0 ? await stat(path).catch(ifMissing) : undefined;
    if (info === undefined || Date.now() - info.mtimeMs > keptMs) await rm(path, { force: true });
  }
}

/** True for the temporary file of a process that has exited. */
export async function isStale(path: string): Promise<boolean> {
  const [, pid, start, host] = namePattern.exec(basename(path)) ?? [];
  if (start === undefined) return false;
  if (host !== hash(hostname())) {
    const info = await stat(path).catch(ifMissing);
    return info !== undefined && Date.now() - info.mtimeMs > staleMs;
  }
  const owner = { pid: Number(pid), host: hostname(), start: start === hash("") ? undefined : start };
  return stateOf(owner, (found, expected) => hash(found) === expected) === "exited";
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}
