import type { TrainConfig } from "../config.ts";
import { splitSource } from "../data/splitSource.ts";
import type { ExampleSource } from "../dataSource.ts";
import { TrainError } from "../errors.ts";
import { evaluate, type Evaluation } from "../evaluate.ts";
import { checkSameRun, type RunState, type SavedTensor } from "../runState.ts";
import type { Trainable } from "../trainable.ts";
import { type StepEvent, Trainer, type TrainerOptions } from "../trainer.ts";
import { afterEvaluation, type BestPoint, type FitState } from "./bestPoint.ts";
import { type FitConfig, type FitConfigInput, resolveFitConfig } from "./fitConfig.ts";

/** The data of a fit. */
export interface FitData<E> {
  readonly train: ExampleSource<E>;
  /**
   * The examples of the evaluations: a source, a fraction of `train` that is held out of the training (`splitSource`, with the seed
   * of the config), or false for none. Default 0.1. A source without an end needs a source or false.
   */
  readonly heldOut?: ExampleSource<E> | number | false | undefined;
}

/** The events of a fit, in order. Between two of them no work is pending. */
export type FitEvent<M extends object = object> =
  | ({ readonly kind: "step" } & StepEvent)
  | {
      readonly kind: "evaluation";
      readonly step: number;
      readonly evaluation: Evaluation & M;
      /** True when it is the best so far. */
      readonly isBest: boolean;
    }
  | {
      readonly kind: "finished";
      readonly step: number;
      /** All steps are done, or the patience is at its end. */
      readonly reason: "steps" | "patience";
      /** Undefined without held-out examples. */
      readonly best: BestPoint<M> | undefined;
    };

/** The names under which the best parameters are saved. */
const bestPrefix = "best.";

/**
 * A training with evaluations on held-out examples, early stopping, and the best parameters kept in host memory. Its state is that of
 * the trainer, the best parameters and the count of the early stopping, so a resumed fit goes on exactly as one that never stopped.
 *
 * @typeParam E an example of the data
 * @typeParam M the metrics of the trainable
 */
export class Fitter<E, M extends object = object> implements Disposable {
  readonly trainer: Trainer<E>;
  readonly trainable: Trainable<E, M>;
  /** Undefined when nothing is held out. */
  readonly heldOut: ExampleSource<E> | undefined;
  readonly config: FitConfig;
  #state: FitState<M>;
  /** Undefined before the first evaluation. */
  #best: ReadonlyMap<string, Float32Array> | undefined;
  #usesBest = false;

  /**
   * The trainable and the sources are borrowed; the trainable's parameters are changed in place.
   *
   * @throws TrainError as `Trainer` and `splitSource` do
   */
  constructor(
    trainable: Trainable<E, M>,
    data: FitData<E>,
    config: FitConfigInput,
    options: TrainerOptions = {},
  ) {
    const { fit, training } = resolveFitConfig(config);
    const { train, heldOut } = sourcesOf(data, training.seed);
    this.trainable = trainable;
    this.config = fit;
    this.heldOut = heldOut;
    if (heldOut) trainable.checkSource?.(heldOut);
    this.trainer = new Trainer(trainable, train, training, options);
    const { metric, direction, minDelta } = fit;
    const rule = { metric, direction, minDelta };
    this.#state = { heldOut: heldOut?.id ?? "none", rule, evaluated: -1, waited: 0 };
  }

  /** Steps done. */
  get step(): number {
    return this.trainer.step;
  }

  /** The best evaluation so far. */
  get best(): BestPoint<M> | undefined {
    return this.#state.best;
  }

  /** The reason for which the fit is at its end; undefined while it goes on. */
  get finished(): "steps" | "patience" | undefined {
    if (this.evaluationIsDue) return undefined;
    const { patience } = this.config;
    if (patience !== undefined && this.#state.waited >= patience) return "patience";
    return this.step >= this.#training.steps ? "steps" : undefined;
  }

  get #training(): TrainConfig {
    return this.trainer.config;
  }

  /** True when there is no evaluation yet of a step that has one. */
  get evaluationIsDue(): boolean {
    if (this.heldOut === undefined) return false;
    const { step } = this;
    if (this.#state.evaluated >= step) return false;
    return step % this.config.evaluateEvery === 0 || step === this.#training.steps;
  }

  /**
   * Trains and evaluates until the steps are done or the patience is at its end, or until the caller stops iterating. The last event
   * is `finished`.
   *
   * @throws TrainError as `Trainer.run` and `evaluate` do; the signal's reason
   */
  async *run({ signal }: { readonly signal?: AbortSignal | undefined } = {}): AsyncGenerator<
    FitEvent<M>,
    void,
    undefined
  > {
    this.#checkUsable();
    // A step that cannot fit is refused before an evaluation that may take long.
    if (this.finished === undefined && this.step < this.#training.steps) await this.trainer.checkStep();
    if (this.heldOut && this.evaluationIsDue) yield await this.#evaluate(this.heldOut, signal);
    if (this.finished === undefined) {
      for await (const event of this.trainer.run({ signal })) {
        yield { kind: "step", ...event };
        if (this.heldOut && this.evaluationIsDue) yield await this.#evaluate(this.heldOut, signal);
        if (this.finished !== undefined) break;
      }
    }
    const reason = this.finished;
    if (reason !== undefined) yield { kind: "finished", step: this.step, reason, best: this.best };
  }

  async #evaluate(source: ExampleSource<E>, signal: AbortSignal | undefined): Promise<FitEvent<M>> {
    const { step } = this;
    const { heldOutExamples: examples } = this.config;
    const { batchSize } = this.#training;
    const evaluation = await evaluate(this.trainable, source, { examples, batchSize, signal });
    const next = afterEvaluation(this.#state, step, evaluation);
    const isBest = next.best?.step === step;
    if (isBest) this.#best = await this.trainer.readParameters();
    this.#state = next;
    return { kind: "evaluation", step, evaluation, isBest };
  }

  /**
   * Gives the model the best parameters. The fit cannot go on or be saved after it: save it before.
   *
   * @returns the best evaluation; undefined when there was none, and the model keeps its parameters
   */
  useBest(): BestPoint<M> | undefined {
    if (this.#best) this.trainer.writeParameters(this.#best);
    this.#usesBest = true;
    return this.best;
  }

  /** Identifies this fit, and says how far it is. */
  state(): RunState {
    this.#checkUsable();
    return { ...this.trainer.state(), fit: { ...this.#state } };
  }

  /** The tensors that belong to `state`, f32: those of the trainer and, with held-out examples, the best parameters. */
  tensors(): SavedTensor[] {
    this.#checkUsable();
    const tensors = this.trainer.tensors();
    if (!this.heldOut) return tensors;
    const names = new Set(this.trainable.parameters.keys());
    const best = tensors
      .filter(({ name }) => names.has(name))
      .map(({ name, shape, read }) => ({
        name: bestPrefix + name,
        shape,
        read: async () => this.#best?.get(name) ?? read(),
      }));
    return [...tensors, ...best];
  }

  /**
   * Restores a saved state. A fit that has more steps than the saved one goes on beyond its end, at the learning rates of the new
   * schedule, and counts its patience anew. Patience, `evaluateEvery` and `heldOutExamples` may be others than before.
   *
   * @param read returns the values of a tensor of `tensors`, by its name
   * @throws TrainError `RESUME` when the state belongs to another run, naming what differs. When `read` throws, some tensors
   * are already overwritten, and the fit must not be used any more.
   */
  async restore(state: RunState, read: (name: string) => Promise<Float32Array>): Promise<void> {
    checkSameRun(state, this.state());
    const saved = state.fit as unknown as FitState<M>;
    await this.trainer.restore({ ...state, fit: undefined }, read);
    if (saved.best) {
      const best = new Map<string, Float32Array>();
      for (const name of this.trainable.parameters.keys())
        best.set(name, (await read(bestPrefix + name)).slice());
      this.#best = best;
    }
    const isLonger = this.#training.steps > Number(state.training["steps"]);
    this.#state = { ...saved, ...(isLonger && { waited: 0 }) };
  }

  #checkUsable(): void {
    if (!this.#usesBest) return;
    throw new TrainError(
      "CONFIG",
      "the fit has ended with useBest: save it before, and make a new one to go on",
    );
  }

  /** Frees the moments and the masters. The parameters are their owner's to free. */
  dispose(): void {
    this.trainer.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function sourcesOf<E>(
  { train, heldOut = 0.1 }: FitData<E>,
  seed: number | undefined,
): { readonly train: ExampleSource<E>; readonly heldOut: ExampleSource<E> | undefined } {
  if (heldOut === false) return { train, heldOut: undefined };
  if (typeof heldOut === "object") return { train, heldOut };
  if (train.count === undefined) {
    const remedy = "give heldOut a source of its own, or false";
    throw new TrainError("CONFIG", `${train.id} has no end, so no part of it can be held out: ${remedy}`);
  }
  return splitSource(train, { heldOut, seed });
}
