import { appendFile, mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { ifMissing, replaceFile, temporaryName } from "@mamba/files";
import type { StepEvent, Trainer } from "../trainer.ts";
import { Lock } from "./lock.ts";
import { loadState, saveState } from "./state-file.ts";

/**
 * Where a run keeps its state (`state.safetensors`) and its log (`log.jsonl`). One at a time may have it: the file `lock`
 * names who does, until the folder is disposed or its process has ended, however it ended.
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
   * Makes the folder where it is missing, and removes what a killed process left half written.
   *
   * @throws TrainError `IN_USE` when somebody has the folder
   */
  static async open(path: string): Promise<RunFolder> {
    await mkdir(path, { recursive: true });
    const lock = await Lock.take(join(path, "lock"));
    for (const name of await readdir(path)) {
      if (temporaryName.test(name)) await rm(join(path, name), { force: true });
    }
    return new RunFolder(path, lock);
  }

  /** Whether there is a state to resume from. */
  async hasState(): Promise<boolean> {
    return (await stat(this.statePath).catch(ifMissing)) !== undefined;
  }

  /**
   * Saves the trainer's state. Killed at any moment, the folder holds the state before or this one.
   *
   * @throws TrainError `NON_FINITE` when a weight is NaN or infinite: the state before stays
   */
  async save(trainer: Trainer): Promise<void> {
    await saveState(this.statePath, trainer);
  }

  /**
   * Brings the trainer to the saved state, if there is one, and takes steps after it out of the log.
   *
   * @returns whether there was one
   * @throws TrainError `RESUME` when the state is damaged, or of a run that differs in its model, config or data
   */
  async resume(trainer: Trainer): Promise<boolean> {
    const found = await this.hasState();
    if (found) await loadState(this.statePath, trainer);
    const log = await readFile(this.logPath, "utf8").catch(ifMissing);
    if (log !== undefined) {
      const kept = log.split("\n").filter((line) => stepOf(line) <= trainer.step);
      await replaceFile(this.logPath, Buffer.from(kept.map((line) => `${line}\n`).join("")));
    }
    return found;
  }

  /** Lets others have the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lock.release();
  }

  /** Appends a line of JSON to the log. */
  async log(event: StepEvent | Readonly<Record<string, unknown>>): Promise<void> {
    await appendFile(this.logPath, `${JSON.stringify(event)}\n`);
  }
}

/** The step of a line of the log; infinite when it is none, as the last line of a killed process. */
function stepOf(line: string): number {
  try {
    const { step } = JSON.parse(line) as { step?: unknown };
    return typeof step === "number" ? step : Infinity;
  } catch {
    return Infinity;
  }
}
