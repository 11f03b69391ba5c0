import { openKernel } from "@mamba/kernel";
import type { Answer, BackendId, Ending, Report, TrainingSettings } from "../protocol.ts";
import { candidateOf } from "./backends.ts";
import { answerOf, examplesPerScore, scoresOf } from "./evaluation.ts";
import { failure } from "./failure.ts";
import { tasks } from "./tasks.ts";
import { type Snapshot, TrainingRun } from "./trainingRun.ts";

/** Shortest time between two reports: the page draws no faster. */
const reportMs = 100;
const shownAnswers = 3;

/** Trains a model on the page. It is on a backend only while it is trained or evaluated. */
export class Training {
  readonly #report: (report: Report) => void;
  #settings: TrainingSettings | undefined;
  #snapshot: Snapshot | undefined;
  #isRunning = false;
  #requested: BackendId | undefined;
  /** Number of examples that were shown; the next evaluation shows others. */
  #shown = 0;

  constructor(report: (report: Report) => void) {
    this.#report = report;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Continues the current run on another backend, after the current step. */
  moveTo(backend: BackendId): void {
    this.#requested = backend;
  }

  /**
   * Trains a new model, until all steps are done or `signal` stops it.
   *
   * @param changeBackend makes a backend the current one
   */
  async run(
    settings: TrainingSettings,
    backend: BackendId,
    changeBackend: (backend: BackendId) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    this.#settings = settings;
    this.#snapshot = undefined;
    this.#isRunning = true;
    let current = backend;
    try {
      for (;;) {
        const ending = await this.#trainOn(current, settings, signal);
        const requested = this.#requested;
        this.#requested = undefined;
        if (requested !== undefined && requested !== current) {
          try {
            await this.#check(requested);
            await changeBackend(requested);
            current = requested;
          } catch (error) {
            if (!signal.aborted) this.#report(failure(error)); // the run stays on its backend
          }
        }
        if (ending === "move") continue;
        this.#report({ type: "trained", ending });
        return;
      }
    } finally {
      this.#isRunning = false;
    }
  }

  /** Evaluates the model on examples that it has not seen. */
  async evaluate(backend: BackendId, signal: AbortSignal): Promise<void> {
    const settings = this.#settings;
    if (!settings || !this.#snapshot) return;
    await using run = await TrainingRun.open(backend, settings, this.#snapshot);
    const { model } = run;
    const scores = await scoresOf(model, settings, signal);
    const answers: Answer[] = [];
    for (let i = 0; i < shownAnswers; i++)
      answers.push(await answerOf(model, settings, examplesPerScore + this.#shown++));
    this.#report({ type: "evaluated", scores, answers });
  }

  /** @throws KernelError when the backend does not open, before the run leaves the current one */
  async #check(backend: BackendId): Promise<void> {
    const kernel = await openKernel([candidateOf(backend)]);
    await kernel.dispose();
  }

  /** Trains until the last step, a stop, or a requested change of backend, and stores the result in `#snapshot`. */
  async #trainOn(
    backend: BackendId,
    settings: TrainingSettings,
    signal: AbortSignal,
  ): Promise<Ending | "move"> {
    await using run = await TrainingRun.open(backend, settings, this.#snapshot);
    const { kernel, trainer } = run;
    const { guessLoss } = tasks[settings.task];
    this.#report({ type: "training", device: kernel.capabilities.device, guessLoss });
    let losses: number[] = [];
    let reported = performance.now();
    // Starts after the first step, which also compiles and allocates.
    let timed: { readonly from: number; readonly step: number } | undefined;
    const flush = (): void => {
      const now = performance.now();
      const perSecond =
        timed && now > timed.from ? ((trainer.step - timed.step) / (now - timed.from)) * 1000 : 0;
      const report = { done: trainer.step, losses, perSecond: perSecond > 0 ? perSecond : undefined };
      this.#report({ type: "steps", ...report });
      losses = [];
      reported = now;
    };
    let ending: Ending | "move" = "length";
    try {
      for await (const { loss, step } of trainer.run({ signal })) {
        timed ??= { from: performance.now(), step };
        losses.push(loss);
        if (performance.now() - reported >= reportMs) flush();
        if (this.#requested !== undefined && step < settings.steps) {
          ending = "move";
          break;
        }
      }
    } catch (error) {
      if (!signal.aborted) throw error;
      ending = "stopped";
    }
    flush();
    this.#snapshot = await run.snapshot();
    return ending;
  }
}
