import { Gradients, hash, yieldToEventLoop } from "@mamba/core";
import { canTrain, Scope, type Tensor, type TrainingKernel } from "@mamba/kernel";
import { addGradients, type WeightedLoss } from "./addGradients.ts";
import { resolveTrainConfig, type TrainConfig, type TrainConfigInput } from "./config.ts";
import type { Example, ExampleSource } from "./dataSource.ts";
import { TrainError } from "./errors.ts";
import { MemoryGuard } from "./memory/memoryGuard.ts";
import { Optimizer } from "./optimizer.ts";
import { checkSameRun, type RunState, type SavedTensor } from "./runState.ts";
import { lrFactor } from "./schedule.ts";
import { shuffledIndex } from "./shuffledIndex.ts";
import type { BatchLoss, Trainable } from "./trainable.ts";

/** The result of one optimizer step. */
export interface StepEvent {
  /** From 1. */
  readonly step: number;
  /** Mean over the targets of the step, before the update. In nats for a language model. */
  readonly loss: number;
  /** Norm of the gradient over all parameters, before clipping. */
  readonly gradNorm: number;
  /** The largest learning rate of the step: under muP some groups have a smaller one. */
  readonly lr: number;
  /** Positions per second that went through the model in the step, padding included. */
  readonly tokensPerSecond: number;
  /** Fraction of the positions of the step that were padding. */
  readonly padding: number;
}

/** Facts about the machine, which change no result. They are no part of a run's state. */
export interface TrainerOptions {
  /**
   * The most bytes that may be in use on the device. A step that would need more is refused before it starts. Default: the limit
   * of the kernel, if it has one.
   */
  readonly memoryLimit?: number | undefined;
}

/**
 * Trains a model on a source, one optimizer step after the other. The whole state of a run is the trained parameters, their
 * moments and the number of steps done, and a step depends on nothing else. So a run that is saved and resumed gives the
 * same bits as a run that never stopped, where the kernel is deterministic.
 *
 * @typeParam E an example of the data
 */
export class Trainer<E = Example> implements Disposable {
  readonly trainable: Trainable<E>;
  readonly source: ExampleSource<E>;
  readonly config: TrainConfig;
  readonly #kernel: TrainingKernel;
  readonly #optimizer: Optimizer;
  readonly #guard: MemoryGuard<E>;
  #step = 0;

  /**
   * The trainable and the source are borrowed; the trainable's parameters are changed in place.
   *
   * @throws TrainError `CONFIG`, also when the kernel cannot train or a parameter is not stored as `config.weights` says; `DATA` when
   * the source has no examples or does not fit the model; MambaError `PARAMETER` when a parameter is missing
   */
  constructor(
    trainable: Trainable<E>,
    source: ExampleSource<E>,
    config: TrainConfigInput,
    { memoryLimit }: TrainerOptions = {},
  ) {
    const { kernel } = trainable;
    if (!canTrain(kernel)) throw new TrainError("CONFIG", `the ${kernel.name} backend cannot train`);
    this.config = resolveTrainConfig(config);
    trainable.checkSource?.(source);
    if (source.count === 0) throw new TrainError("DATA", `${source.id} has no examples`);
    this.trainable = trainable;
    this.source = source;
    this.#kernel = kernel;
    this.#guard = new MemoryGuard(trainable, this.config, memoryLimit);
    this.#optimizer = new Optimizer(kernel, trainable, this.config);
  }

  /** Steps done. */
  get step(): number {
    return this.#step;
  }

  /**
   * Trains until `config.steps` are done, or until the caller stops iterating. Between two events no work is pending: the
   * caller can save, evaluate or stop there.
   *
   * @throws TrainError `NON_FINITE`, `DATA`; the signal's reason
   */
  async *run({ signal }: { readonly signal?: AbortSignal | undefined } = {}): AsyncGenerator<
    StepEvent,
    void,
    undefined
  > {
    while (this.#step < this.config.steps) {
      signal?.throwIfAborted();
      yield await this.advance();
      await yieldToEventLoop();
    }
  }

  /**
   * One optimizer step. When it throws, the parameters, the moments and the step count are unchanged.
   *
   * @throws TrainError `NON_FINITE` when the loss or the gradient is NaN or infinite; `OUT_OF_MEMORY` when the step would not fit,
   * with the bytes that it needs and a remedy; `DATA`; `CONFIG` when the model has changed so that its training cannot go on
   */
  async advance(): Promise<StepEvent> {
    const start = performance.now();
    const step = this.#step + 1;
    const batches = await this.#batches();
    const weight = batches.reduce((sum, batch) => sum + batch.weight, 0);
    if (!(weight > 0)) {
      throw new TrainError("DATA", `${this.source.id}: step ${step} has no target that counts`);
    }
    using gradients = new Gradients(this.#kernel);
    using scope = new Scope();
    const losses: WeightedLoss[] = [];
    for (const batch of batches) {
      losses.push(
        ...addGradients(this.#kernel, this.trainable.parameters, batch, {
          ...{ weight, gradients, scope, recompute: this.config.recompute },
        }),
      );
      await this.#kernel.sync();
    }
    const { loss, gradNorm } = await this.#measure(losses, gradients, step);
    const factor = lrFactor(this.config, step);
    using gradScale = this.#clip(gradNorm);
    this.#optimizer.update(step, factor, gradients.byTensor, gradScale);
    await this.#kernel.sync();
    this.#step = step;
    const positions = batches.reduce((sum, batch) => sum + batch.positions, 0);
    const real = batches.reduce((sum, batch) => sum + batch.realPositions, 0);
    const tokensPerSecond = positions / ((performance.now() - start) / 1000);
    const padding = 1 - real / positions;
    return { step, loss, gradNorm, lr: this.config.lr * factor, tokensPerSecond, padding };
  }

  /**
   * Checks the examples of the next step and predicts its memory, without computing anything.
   *
   * @throws TrainError `DATA`; `OUT_OF_MEMORY` when the step would not fit
   */
  async checkStep(): Promise<void> {
    await this.#batches();
  }

  /** The batches of the next step, in the seeded order. */
  async #batches(): Promise<BatchLoss[]> {
    const { batchSize, accumulation, seed } = this.config;
    const { source } = this;
    const batches: BatchLoss[] = [];
    const sets: E[][] = [];
    for (let i = 0; i < accumulation; i++) {
      const first = (this.#step * accumulation + i) * batchSize;
      const examples: E[] = [];
      for (let position = first; position < first + batchSize; position++) {
        const index = source.count === undefined ? position : shuffledIndex(position, source.count, seed);
        const example = await source.example(index);
        this.trainable.checkExample?.(example, `${source.id}: example ${index}`);
        examples.push(example);
      }
      const training = { seed: hash(seed, this.#step, i) >>> 0 };
      sets.push(examples);
      batches.push(this.trainable.loss(examples, { segmentLength: this.config.segmentLength, training }));
    }
    this.#guard.check(sets, batches, this.#optimizer.bytes);
    return batches;
  }

  async #measure(losses: readonly WeightedLoss[], { byTensor }: Gradients, step: number) {
    using squares = this.#kernel.sumOfSquares([...byTensor.values()]);
    const [sum, ...values] = await this.#kernel.read(squares, ...losses.map(({ loss }) => loss));
    const loss = losses.reduce((mean, { weight }, i) => mean + weight * Number(values[i]?.[0]), 0);
    const gradNorm = Math.sqrt(Number(sum?.[0]));
    for (const [what, value] of Object.entries({ loss, "gradient norm": gradNorm })) {
      if (Number.isFinite(value)) continue;
      const remedy = "resume from the last saved state with a lower learning rate or a longer warmup";
      throw new TrainError(
        "NON_FINITE",
        `the ${what} of step ${step} is ${value}; nothing was updated: ${remedy}`,
      );
    }
    return { loss, gradNorm };
  }

  #clip(gradNorm: number): Tensor | undefined {
    const { clipNorm } = this.config;
    if (gradNorm <= clipNorm) return undefined;
    return this.#kernel.upload(Float32Array.of(clipNorm / gradNorm), [1], "f32");
  }

  /** Identifies this run, and says how far it is. */
  state(): RunState {
    return {
      step: this.#step,
      data: this.source.id,
      model: { ...this.trainable.config },
      training: { ...this.config },
    };
  }

  /** The tensors that belong to `state`, f32. Each is read from the device when its `read` is called. */
  tensors(): SavedTensor[] {
    return this.#tensorsOf(this.#optimizer.tensors().map(({ name, tensor }) => [name, tensor]));
  }

  #tensorsOf(tensors: Iterable<readonly [name: string, tensor: Tensor]>): SavedTensor[] {
    return Array.from(tensors, ([name, tensor]) => ({
      name,
      shape: tensor.shape,
      read: async () => {
        const [values] = (await this.#kernel.read(tensor)) as [Float32Array];
        if (!values.every(Number.isFinite)) {
          throw new TrainError(
            "NON_FINITE",
            `${name} has values that are not finite after step ${this.#step}`,
          );
        }
        return values;
      },
    }));
  }

  /**
   * Restores a saved state.
   *
   * @param read returns the values of a tensor of `tensors`, by its name
   * @throws TrainError `RESUME` when the state belongs to another run, naming what differs. When `read` throws, some tensors
   * are already overwritten, and the trainer must not be used any more.
   */
  async restore(state: RunState, read: (name: string) => Promise<Float32Array>): Promise<void> {
    checkSameRun(state, this.state());
    for (const { name, tensor } of this.#optimizer.tensors()) this.#kernel.write(tensor, 0, await read(name));
    this.#optimizer.roundWeights();
    this.#step = state.step;
  }

  /** Copies of the parameters, f32, by their names. */
  async readParameters(): Promise<Map<string, Float32Array>> {
    const values = new Map<string, Float32Array>();
    // Copied, because `read` may return a view of the kernel's memory.
    for (const { name, read } of this.#tensorsOf(this.#optimizer.masters))
      values.set(name, (await read()).slice());
    return values;
  }

  /**
   * Overwrites the parameters, and leaves the moments and the number of steps as they are.
   *
   * @param values those of `readParameters`
   */
  writeParameters(values: ReadonlyMap<string, Float32Array>): void {
    for (const [name, tensor] of this.#optimizer.masters) {
      const own = values.get(name);
      if (own === undefined) throw new TrainError("RESUME", `parameter ${name} has no saved values`);
      this.#kernel.write(tensor, 0, own);
    }
    this.#optimizer.roundWeights();
  }

  /** Frees the moments and the masters. The parameters are their owner's to free. */
  dispose(): void {
    this.#optimizer.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
