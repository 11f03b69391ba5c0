import { readFileSync } from "node:fs";
import { hostname } from "node:os";

/** A process, as files that belong to it name it. */
export interface Owner {
  readonly pid: number;
  readonly host: string;
  /** When the process started; undefined where the system does not tell. Process ids are reused. */
  readonly start: string | undefined;
}

/** This process. */
export function thisProcess(): Owner {
  return { pid: process.pid, host: hostname(), start: (ownStart ??= startOf(process.pid)) };
}

let ownStart: string | undefined;

/**
 * The state of a process: "elsewhere" when it is on another machine, where it cannot be asked.
 *
 * @param start compares starts, when only a hash of it is known. Default: equality
 */
export function stateOf(
  { pid, host, start }: Owner,
  isStart: (found: string, expected: string) => boolean = (found, expected) => found === expected,
): "running" | "exited" | "elsewhere" {
  if (host !== hostname()) return "elsewhere";
  const found = startOf(pid);
  if (found !== undefined && start !== undefined && !isStart(found, start)) return "exited"; // its id was reused
  return isRunning(pid) ? "running" : "exited";
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
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8");
    // The process name, in parentheses, may contain spaces. The state follows it, and the start time is the 20th field
    // from there.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" ? "ended" : `${boot.trim()} ${fields[18] ?? ""}`;
  } catch {
    return undefined;
  }
}
