import { appendFile, copyFile, link, lstat, mkdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { ifMissing, replaceFile, sweepTemporary } from "@mamba/files";
import { TrainError } from "../errors.ts";
import type { Resumable } from "../fit/fit.ts";
import type { StepEvent } from "../trainer.ts";
import { Lock } from "./lock.ts";
import { isDamage, loadState, saveState } from "./stateFile.ts";

/** A state that a run was resumed from. */
export interface Resumed {
  /** Steps done. */
  readonly step: number;
  /** The message about the last state when it is damaged and the one before was restored. Show it to the user. */
  readonly damage: string | undefined;
}

/**
 * The folder of a run: its last two states (`state.safetensors`, `state.previous.safetensors`) and its log (`log.jsonl`). One
 * process at a time can open it. The file `lock` names that process; the lock ends when the `RunFolder` is disposed or the
 * process exits in any way.
 */
export class RunFolder implements AsyncDisposable {
  readonly path: string;
  readonly statePath: string;
  /** The state that was saved before the last one: resuming falls back to it when the last one is damaged. */
  readonly previousPath: string;
  readonly logPath: string;

  readonly #lock: Lock;

  private constructor(path: string, lock: Lock) {
    this.path = path;
    this.#lock = lock;
    this.statePath = join(path, "state.safetensors");
    this.previousPath = join(path, "state.previous.safetensors");
    this.logPath = join(path, "log.jsonl");
  }

  /**
   * Creates the folder when it is missing, and deletes incomplete files of a killed process.
   *
   * @throws TrainError `IN_USE` when a running process has the folder open; `RESUME` when a folder, a pipe or another thing
   * that is not a file has the name of a state or the log
   */
  static async open(path: string): Promise<RunFolder> {
    await mkdir(path, { recursive: true });
    const lock = await Lock.acquire(join(path, "lock"));
    const folder = new RunFolder(path, lock);
    try {
      for (const file of [folder.statePath, folder.previousPath, folder.logPath]) await checkFile(file);
      await sweepTemporary(path);
      return folder;
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /** True when the folder has a state to resume from. */
  async hasState(): Promise<boolean> {
    return (await exists(this.statePath)) || (await exists(this.previousPath));
  }

  /**
   * Saves the trainer's state and keeps the last one. If the process is killed meanwhile, the folder has the last state or
   * this one.
   *
   * @throws TrainError `NON_FINITE` when a weight is NaN or infinite; the last state stays
   */
  async save(trainer: Resumable): Promise<void> {
    await saveState(this.statePath, trainer, () => this.#keepLast());
  }

  /** Gives the last state a second name, under which it stays when the new one gets its own. */
  async #keepLast(): Promise<void> {
    if (!(await exists(this.statePath))) return;
    await rm(this.previousPath, { force: true });
    // Some file systems have no links.
    await link(this.statePath, this.previousPath).catch(() => copyFile(this.statePath, this.previousPath));
  }

  /**
   * Restores the last state into the trainer, if there is one, and removes the later steps from the log. When that state is
   * damaged, the one before is restored, and the result says so.
   *
   * @returns undefined when there is no state
   * @throws TrainError `RESUME` when both states are damaged, or belong to a run with another model, config or data; the
   * trainer is then unchanged
   */
  async resume(trainer: Resumable): Promise<Resumed | undefined> {
    const found = await this.#restore(trainer);
    const log = await readFile(this.logPath, "utf8").catch(ifMissing);
    if (log !== undefined) {
      const kept = log.split("\n").filter((line) => stepOf(line) <= trainer.step);
      await replaceFile(this.logPath, Buffer.from(kept.map((line) => `${line}\n`).join("")));
    }
    return found;
  }

  async #restore(trainer: Resumable): Promise<Resumed | undefined> {
    const hasPrevious = await exists(this.previousPath);
    if (!(await exists(this.statePath))) {
      if (!hasPrevious) return undefined;
      await loadState(this.previousPath, trainer);
      return { step: trainer.step, damage: `${this.statePath}: there is no such file` };
    }
    try {
      await loadState(this.statePath, trainer);
      return { step: trainer.step, damage: undefined };
    } catch (error) {
      if (!isDamage(error) || !hasPrevious) throw error;
      try {
        await loadState(this.previousPath, trainer);
      } catch (cause) {
        if (!isDamage(cause)) throw cause;
        throw new TrainError(
          "RESUME",
          `${error.message}; the state before is damaged too: ${cause.message}`,
          { cause },
        );
      }
      return { step: trainer.step, damage: error.message };
    }
  }

  /** Appends a line of JSON to the log. */
  async log(event: StepEvent | Readonly<Record<string, unknown>>): Promise<void> {
    await appendFile(this.logPath, `${JSON.stringify(event)}\n`);
  }

  /** Releases the lock. A second call does nothing. */
  async close(): Promise<void> {
    await this.#lock.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(ifMissing)) !== undefined;
}

/** Opening a pipe would wait for its other end without end. */
async function checkFile(path: string): Promise<void> {
  const info = (await stat(path).catch(ifMissing)) ?? (await lstat(path).catch(ifMissing));
  if (info === undefined || info.isFile()) return;
  throw new TrainError(
    "RESUME",
    `${path}: expected a file, got a folder, a broken link or a special file; remove it`,
  );
}

/** The step of a log line; infinite for a line without one, such as the incomplete last line of a killed process. */
function stepOf(line: string): number {
  try {
    const { step } = JSON.parse(line) as { step?: unknown };
    return typeof step === "number" ? step : Infinity;
  } catch {
    return Infinity;
  }
}
