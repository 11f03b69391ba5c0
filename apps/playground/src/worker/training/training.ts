import { MambaError } from "@mamba/core";
import { KernelError } from "@mamba/kernel";
import { TrainError } from "@mamba/train";
import type { BackendId, Ending, Query, Report, TrainingKind, TrainingSettings } from "../../protocol.ts";
import { openBackend } from "../backends.ts";
import { failure } from "../failure.ts";
import type { Learned, Lesson } from "./course.ts";
import { OpenModel, snapshotOf } from "./openModel.ts";
import { RunKeeper } from "./runKeeper.ts";
import { StepReports } from "./stepReports.ts";

/** Time between two stored states of a run: a reload loses less than this. */
const storeMs = 2000;

/** The current backend, which a run may change. */
export interface Place {
  readonly backend: BackendId;
  readonly change: (backend: BackendId) => Promise<void>;
}

/** Trains the models of the page, one at a time, stores their runs, and lets the models answer queries. */
export class Training {
  readonly #report: (report: Report) => void;
  readonly #runs: RunKeeper;
  /** Models that came from files, in place of a trained one. */
  readonly #files = new Map<TrainingKind, ReadonlyMap<string, Blob>>();
  /** The unanswered query of each kind. */
  readonly #queries = new Map<TrainingKind, Query>();
  #open: OpenModel | undefined;
  #running: TrainingKind | undefined;
  #requested: BackendId | undefined;

  constructor(report: (report: Report) => void) {
    this.#report = report;
    this.#runs = new RunKeeper(report);
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Reports the runs of an earlier visit. */
  async restore(): Promise<void> {
    for (const { settings, losses, guessLoss, evaluation, isRunning } of await this.#runs.restore())
      this.#report({ type: "restored", settings, losses, guessLoss, evaluation, isRunning });
  }

  /** Continues the current run on another backend, after the current step. */
  moveTo(backend: BackendId): void {
    this.#requested = backend;
  }

  /** Trains a new model, until all steps are done or `signal` stops it. The previous one of its kind is deleted. */
  async train(settings: TrainingSettings, place: Place, signal: AbortSignal): Promise<void> {
    this.#files.delete(settings.kind);
    await this.#runs.forget(settings.kind);
    await this.#run(settings, place, signal);
  }

  /** @param steps of the run, at least those that it had */
  async continue(kind: TrainingKind, steps: number, place: Place, signal: AbortSignal): Promise<void> {
    const run = this.#runs.get(kind);
    if (!run) throw new Error("there is no training to continue");
    await this.#run({ ...run.settings, steps: Math.max(steps, run.settings.steps) }, place, signal);
  }

  /** Evaluates the model on examples that it has not seen. */
  async evaluate(kind: TrainingKind, backend: BackendId, signal: AbortSignal): Promise<void> {
    const model = await this.#model(kind, backend);
    const evaluation = await model?.evaluate?.(signal);
    if (!evaluation) return;
    this.#report({ type: "evaluated", evaluation });
    const run = this.#runs.get(kind);
    if (run) await this.#runs.keep({ ...run, evaluation });
  }

  /** Deletes a run and its model. */
  async forget(kind: TrainingKind): Promise<void> {
    if (this.#open?.kind === kind) await this.#close();
    this.#files.delete(kind);
    await this.#runs.forget(kind);
    this.#report({ type: "forgotten", kind });
  }

  /** Reports the files of the model. */
  async save(kind: TrainingKind, backend: BackendId): Promise<void> {
    const files = await (await this.#model(kind, backend))?.files?.();
    if (!files) return;
    // Copied: the kernel's memory, which threads share, cannot be sent.
    const copies = Array.from(files, ([name, bytes]) => [name, new Uint8Array(bytes)] as const);
    this.#report({ type: "files", kind, files: new Map(copies) });
  }

  /** Uses a model from its files. The run of its kind, if there is one, is deleted once the files are loaded. */
  async load(
    kind: TrainingKind,
    files: readonly File[],
    backend: BackendId,
    signal: AbortSignal,
  ): Promise<void> {
    const blobs = new Map(files.map((file) => [file.name, file]));
    await this.#close();
    this.#open = await OpenModel.load(backend, kind, blobs);
    await this.#runs.forget(kind);
    this.#files.set(kind, blobs);
    const evaluation = await this.#open.learned.evaluate?.(signal);
    this.#report({ type: "learned", kind, name: files.map(({ name }) => name).join(", "), evaluation });
  }

  /** Notes a query. Returns true when the current training answers it, and false when `answer` is to be called. */
  ask(query: Query): boolean {
    this.#queries.set(query.kind, query);
    return this.#running === query.kind;
  }

  /** Answers the noted query of a kind. */
  async answer(kind: TrainingKind, backend: BackendId): Promise<void> {
    try {
      await this.#serve(kind, await this.#model(kind, backend));
    } finally {
      // The page waits for one answer to each query.
      if (this.#queries.delete(kind)) this.#report({ type: "predicted", kind, prediction: undefined });
    }
  }

  /** Closes a device that was lost. The next use opens it again. */
  async recover(error: unknown): Promise<void> {
    if (KernelError.is(error, "DEVICE_LOST")) await this.#close();
  }

  async #run(settings: TrainingSettings, { backend, change }: Place, signal: AbortSignal): Promise<void> {
    const { kind } = settings;
    this.#running = kind;
    let current = backend;
    try {
      for (;;) {
        const ending = await this.#trainOn(current, settings, signal);
        const requested = this.#requested;
        this.#requested = undefined;
        if (requested !== undefined && requested !== current) {
          try {
            await this.#check(requested);
            await change(requested);
            current = requested;
          } catch (error) {
            if (!signal.aborted) this.#report(failure(error)); // the run stays on its backend
          }
        }
        if (ending === "move") continue;
        this.#report({ type: "trained", kind, ending });
        return;
      }
    } catch (error) {
      const run = this.#runs.get(kind);
      if (run?.isRunning) await this.#runs.keep({ ...run, isRunning: false });
      throw error;
    } finally {
      this.#running = undefined;
      await this.#serve(kind, this.#open?.learned);
    }
  }

  /** @throws KernelError when the backend does not open, before the run leaves the current one */
  async #check(backend: BackendId): Promise<void> {
    const kernel = await openBackend(backend);
    await kernel.dispose();
  }

  /** Trains until the last step, a stop, or a requested change of backend, and keeps the run. */
  async #trainOn(
    backend: BackendId,
    settings: TrainingSettings,
    signal: AbortSignal,
  ): Promise<Ending | "move"> {
    const { kind, steps } = settings;
    const { learned: lesson, kernel } = await this.#openLesson(backend, settings);
    const { trainer, guessLoss, evaluateEvery = Infinity } = lesson;
    const before = this.#runs.get(kind);
    const losses = [...(before?.losses ?? [])];
    let evaluation = before?.evaluation;
    const keep = async (isRunning: boolean): Promise<void> => {
      const snapshot = await snapshotOf(lesson);
      await this.#runs.keep({ settings, guessLoss, losses: [...losses], snapshot, evaluation, isRunning });
    };
    const { device } = kernel.capabilities;
    this.#report({ type: "training", kind, device, guessLoss, losses: [...losses] });
    const reports = new StepReports(kind, this.#report);
    let stored = -Infinity; // the first step is stored at once
    let ending: Ending | "move" = "length";
    try {
      for await (const { loss, step } of trainer.run({ signal })) {
        losses.push(loss);
        reports.add(loss);
        await this.#serve(kind, lesson);
        if (this.#requested !== undefined && step < steps) {
          ending = "move";
          break;
        }
        if (step % evaluateEvery === 0 && step < steps) {
          evaluation = await lesson.evaluate(signal);
          this.#report({ type: "evaluated", evaluation });
        }
        if (performance.now() - stored < storeMs) continue;
        await keep(true);
        stored = performance.now();
      }
    } catch (error) {
      if (!signal.aborted) throw error;
      ending = "stopped";
    }
    reports.flush();
    await keep(ending === "move");
    return ending;
  }

  /** Opens the model of a run with its settings, at the state that was kept. A run that cannot continue is deleted. */
  async #openLesson(backend: BackendId, settings: TrainingSettings): Promise<OpenModel<Lesson>> {
    await this.#close();
    const run = this.#runs.get(settings.kind);
    try {
      const open = await OpenModel.train(backend, settings, run?.snapshot);
      this.#open = open;
      return open;
    } catch (error) {
      if (run && (TrainError.is(error) || MambaError.is(error))) await this.forget(settings.kind);
      throw error;
    }
  }

  /** The trained or loaded model of a kind, on this backend; undefined when there is none. */
  async #model(kind: TrainingKind, backend: BackendId): Promise<Learned | undefined> {
    if (this.#open?.kind === kind && this.#open.backend === backend) return this.#open.learned;
    const [files, run] = [this.#files.get(kind), this.#runs.get(kind)];
    if (!files) return run && (await this.#openLesson(backend, run.settings)).learned;
    await this.#close();
    this.#open = await OpenModel.load(backend, kind, files);
    return this.#open.learned;
  }

  async #close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.[Symbol.asyncDispose]();
  }

  /** Answers the noted query of a kind, if there is one. */
  async #serve(kind: TrainingKind, model: Learned | undefined): Promise<void> {
    const query = this.#queries.get(kind);
    if (!query || !model) return;
    this.#queries.delete(kind);
    let prediction;
    try {
      prediction = await model.predict?.(query);
    } catch (error) {
      this.#report(failure(error));
    }
    this.#report({ type: "predicted", kind, prediction });
  }
}
