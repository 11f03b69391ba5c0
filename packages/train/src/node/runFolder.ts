import { appendFile, mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { ifMissing, replaceFile, temporaryName } from "@mamba/files";
import type { StepEvent, Trainer } from "../trainer.ts";
import { Lock } from "./lock.ts";
import { loadState, saveState } from "./stateFile.ts";

/**
 * The folder of a run: its state (`state.safetensors`) and its log (`log.jsonl`). One process at a time can open it. The
 * file `lock` names that process; the lock ends when the `RunFolder` is disposed or the process exits in any way.
 */
export class RunFolder implements AsyncDisposable {
  readonly path: string;
  readonly statePath: string;
  readonly logPath: string;

  readonly #lock: Lock;

  private constructor(path: string, lock: Lock) {
    this.path = path;
    this.#lock = lock;
    this.statePath = join(path, "state.safetensors");
    this.logPath = join(path, "log.jsonl");
  }

  /**
   * Creates the folder when it is missing, and deletes incomplete files of a killed process.
   *
   * @throws TrainError `IN_USE` when a running process has the folder open
   */
  static async open(path: string): Promise<RunFolder> {
    await mkdir(path, { recursive: true });
    const lock = await Lock.acquire(join(path, "lock"));
    for (const name of await readdir(path)) {
      if (temporaryName.test(name)) await rm(join(path, name), { force: true });
    }
    return new RunFolder(path, lock);
  }

  /** True when the folder has a state to resume from. */
  async hasState(): Promise<boolean> {
    return (await stat(this.statePath).catch(ifMissing)) !== undefined;
  }

  /**
   * Saves the trainer's state. If the process is killed meanwhile, the folder has the previous state or this one.
   *
   * @throws TrainError `NON_FINITE` when a weight is NaN or infinite; the previous state stays
   */
  async save(trainer: Trainer<unknown>): Promise<void> {
    await saveState(this.statePath, trainer);
  }

  /**
   * Restores the saved state into the trainer, if there is one, and removes the later steps from the log.
   *
   * @returns true when there was a state
   * @throws TrainError `RESUME` when the state is damaged, or belongs to a run with another model, config or data
   */
  async resume(trainer: Trainer<unknown>): Promise<boolean> {
    const found = await this.hasState();
    if (found) await loadState(this.statePath, trainer);
    const log = await readFile(this.logPath, "utf8").catch(ifMissing);
    if (log !== undefined) {
      const kept = log.split("\n").filter((line) => stepOf(line) <= trainer.step);
      await replaceFile(this.logPath, Buffer.from(kept.map((line) => `${line}\n`).join("")));
    }
    return found;
  }

  /** Appends a line of JSON to the log. */
  async log(event: StepEvent | Readonly<Record<string, unknown>>): Promise<void> {
    await appendFile(this.logPath, `${JSON.stringify(event)}\n`);
  }

  /** Releases the lock. */
  async close(): Promise<void> {
    await this.#lock.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
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
