import type { Report, TrainingKind } from "../../protocol.ts";
import { failure } from "../failure.ts";
import type { Run } from "./run.ts";
import { RunStore } from "./runStore.ts";
import { checkStoredRun } from "./storedRun.ts";

const kinds: readonly TrainingKind[] = ["task", "digits", "forecast"];

/** The current run of each kind, in memory and in the browser's storage. */
export class RunKeeper {
  readonly #report: (report: Report) => void;
  readonly #runs = new Map<TrainingKind, Run>();
  readonly #store: Promise<RunStore>;
  /** A problem of the storage is reported once: the trainings go on without it. */
  #isReported = false;

  constructor(report: (report: Report) => void) {
    this.#report = report;
    this.#store = RunStore.open();
    this.#store.catch(() => undefined); // reported with the first run that is to be stored
  }

  get(kind: TrainingKind): Run | undefined {
    return this.#runs.get(kind);
  }

  /** Reads the stored runs. One that cannot continue is deleted, and the reason reported. */
  async restore(): Promise<readonly Run[]> {
    const store = await this.#store.catch(() => undefined);
    if (!store) return [];
    for (const kind of kinds) {
      const stored = await store.get(kind);
      if (stored === undefined) continue;
      try {
        this.#runs.set(kind, checkStoredRun(stored, kind));
      } catch (error) {
        await store.delete(kind);
        this.#report(failure(error));
      }
    }
    return [...this.#runs.values()];
  }

  async keep(run: Run): Promise<void> {
    this.#runs.set(run.settings.kind, run);
    await this.#write((store) => store.put(run.settings.kind, run));
  }

  async forget(kind: TrainingKind): Promise<void> {
    this.#runs.delete(kind);
    await this.#write((store) => store.delete(kind));
  }

  async #write(write: (store: RunStore) => Promise<void>): Promise<void> {
    try {
      await write(await this.#store);
    } catch (error) {
      if (!this.#isReported) this.#report(failure(error));
      this.#isReported = true;
    }
  }
}
