import { MambaLM } from "@mamba/core";
import { type Kernel, openKernel } from "@mamba/kernel";
import { type DataSource, evaluate, ignoreIndex, languageModel, type RunState, Trainer } from "@mamba/train";
import type { Answer, BackendId, Ending, Report, Score, TrainingSettings } from "../protocol.ts";
import { candidateOf } from "./backends.ts";
import { failure } from "./failure.ts";
import { modelConfig, tasks, trainConfig } from "./tasks.ts";

/** The page draws at most this often. */
const reportMs = 100;
/** A trained model is judged at its own length and at these multiples, which it has never seen. */
const multiples = [1, 4, 16];
const examplesPerScore = 32;
const shownAnswers = 3;

/** A training at rest: on the host, so that it can go on on any backend. */
interface Snapshot {
  readonly state: RunState;
  readonly tensors: ReadonlyMap<string, Float32Array>;
}

/** The model that is trained on the page. It is on a backend only while it is trained or judged. */
export class Training {
  readonly #report: (report: Report) => void;
  #settings: TrainingSettings | undefined;
  #snapshot: Snapshot | undefined;
  #isRunning = false;
  #wish: BackendId | undefined;
  /** Examples that were shown: the next ones are others. */
  #shown = 0;

  constructor(report: (report: Report) => void) {
    this.#report = report;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** While a model is being trained: go on on another backend, after the step at hand. */
  carryTo(backend: BackendId): void {
    this.#wish = backend;
  }

  /**
   * Trains a new model; ends when all steps are done, or when `signal` stops it.
   *
   * @param change makes a backend the one in use
   */
  async run(
    settings: TrainingSettings,
    backend: BackendId,
    change: (wish: BackendId) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    this.#settings = settings;
    this.#snapshot = undefined;
    this.#isRunning = true;
    let current = backend;
    try {
      for (;;) {
        const how = await this.#trainOn(await this.#open(current, settings), settings, signal);
        const wish = this.#wish;
        this.#wish = undefined;
        if (wish !== undefined && wish !== current) {
          try {
            await this.#check(wish);
            await change(wish);
            current = wish;
          } catch (error) {
            if (!signal.aborted) this.#report(failure(error)); // it stays where it is
          }
        }
        if (how === "carry") continue;
        this.#report({ type: "trained", how });
        return;
      }
    } finally {
      this.#isRunning = false;
    }
  }

  /** Judges the model on examples that it has not seen. */
  async examine(backend: BackendId, signal: AbortSignal): Promise<void> {
    const settings = this.#settings;
    if (!settings || !this.#snapshot) return;
    const { source } = tasks[settings.task];
    await using open = await this.#open(backend, settings);
    const { model } = open;
    const scores: Score[] = [];
    for (const multiple of multiples) {
      const length = settings.length * multiple;
      const unseen = source(length, settings.seed + 1);
      const found = await evaluate(model, unseen, { examples: examplesPerScore, batchSize: 16, signal });
      scores.push({ length, accuracy: found.accuracy, loss: found.loss });
    }
    const answers: Answer[] = [];
    for (let i = 0; i < shownAnswers; i++) {
      const index = examplesPerScore + this.#shown++;
      answers.push(await answer(model, source(settings.length, settings.seed + 1), index, settings));
    }
    this.#report({ type: "examined", scores, answers });
  }

  /** @throws KernelError when the backend does not open: before the one in use is left */
  async #check(backend: BackendId): Promise<void> {
    const kernel = await openKernel([candidateOf(backend)]);
    await kernel[Symbol.asyncDispose]();
  }

  /** Goes on until the last step, a stop, or a wish for another backend; what is trained is in `#snapshot` then. */
  async #trainOn(open: Open, settings: TrainingSettings, signal: AbortSignal): Promise<Ending | "carry"> {
    await using _open = open;
    const { kernel, trainer } = open;
    const { guessLoss } = tasks[settings.task];
    this.#report({ type: "training", device: kernel.capabilities.device, guessLoss });
    let losses: number[] = [];
    let reported = performance.now();
    // The first step compiles and claims memory: it says nothing about the speed.
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
    let how: Ending | "carry" = "length";
    try {
      for await (const { loss, step } of trainer.run({ signal })) {
        timed ??= { from: performance.now(), step };
        losses.push(loss);
        if (performance.now() - reported >= reportMs) flush();
        if (this.#wish !== undefined && step < settings.steps) {
          how = "carry";
          break;
        }
      }
    } catch (error) {
      if (!signal.aborted) throw error;
      how = "stopped";
    }
    flush();
    this.#snapshot = await snapshotOf(trainer);
    return how;
  }

  /** The model on a backend, as far as it is trained. */
  async #open(backend: BackendId, settings: TrainingSettings): Promise<Open> {
    const task = tasks[settings.task];
    const kernel = await openKernel([candidateOf(backend)]);
    try {
      const model = MambaLM.init(kernel, modelConfig(task, settings), settings.seed);
      const source = task.source(settings.length, settings.seed);
      const trainer = new Trainer(languageModel(model), source, trainConfig(settings));
      const { state, tensors } = this.#snapshot ?? {};
      if (state && tensors) await trainer.restore(state, (name) => Promise.resolve(take(tensors, name)));
      return new Open(kernel, model, trainer);
    } catch (error) {
      await kernel[Symbol.asyncDispose]();
      throw error;
    }
  }
}

/** A model in training on a kernel of its own. */
class Open implements AsyncDisposable {
  readonly kernel: Kernel;
  readonly model: MambaLM;
  readonly trainer: Trainer;

  constructor(kernel: Kernel, model: MambaLM, trainer: Trainer) {
    this.kernel = kernel;
    this.model = model;
    this.trainer = trainer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.trainer[Symbol.dispose]();
    this.model.dispose();
    await this.kernel[Symbol.asyncDispose]();
  }
}

async function snapshotOf(trainer: Trainer): Promise<Snapshot> {
  const tensors = new Map<string, Float32Array>();
  // `read` may give a view of the kernel's memory, which goes with the kernel.
  for (const { name, read } of trainer.tensors()) tensors.set(name, (await read()).slice());
  return { state: trainer.state(), tensors };
}

function take(tensors: Snapshot["tensors"], name: string): Float32Array {
  const values = tensors.get(name);
  if (!values) throw new Error(`the training has no ${name}`);
  return values;
}

/** What the model says to one example, in letters. */
async function answer(
  model: MambaLM,
  source: DataSource,
  index: number,
  { task, length }: TrainingSettings,
): Promise<Answer> {
  const { kernel } = model;
  const { ids, targets } = await source.example(index);
  using tokens = kernel.upload(ids, [1, ids.length], "i32");
  using logits = model.forward(tokens);
  using rows = kernel.reshape(logits, [ids.length, model.config.vocabSize]);
  using best = kernel.argmax(rows);
  const [chosen = []] = await kernel.read(best);
  const { letters } = tasks[task];
  const write = (some: Iterable<number>): string => Array.from(some, (id) => letters[id] ?? "").join("");
  const asked = (values: ArrayLike<number>): number[] =>
    Array.from(values).filter((_, i) => targets[i] !== ignoreIndex);
  return {
    given: write(ids.subarray(0, length)),
    wanted: write(asked(targets)),
    answered: write(asked(chosen)),
  };
}
