import { type LoraAdapter, type MambaLM, type Parameters, yieldToEventLoop } from "@mamba/core";
import { canTrain, type Tensor, type TrainingKernel } from "@mamba/kernel";
import { type Batch, collate, countTargets } from "./batch.ts";
import { resolveTrainConfig, type TrainConfig, type TrainConfigInput } from "./config.ts";
import { TrainError } from "./errors.ts";
import { Gradient } from "./gradient.ts";
import { Optimizer } from "./optimizer.ts";
import { shuffledIndex } from "./shuffledIndex.ts";
import { lrFactor } from "./schedule.ts";
import { checkSameRun, type RunState, type SavedTensor } from "./runState.ts";
import { checkSource, type DataSource } from "./dataSource.ts";

/** What one optimizer step did. */
export interface StepEvent {
  /** From 1. */
  readonly step: number;
  /** Mean over the targets of the step, in nats, before the update. */
  readonly loss: number;
  /** Of the gradient over all parameters, before clipping. */
  readonly gradNorm: number;
  /** The largest learning rate of the step: muP gives some groups less. */
  readonly lr: number;
  /** Positions that went through the model in the step, padding included, per second. */
  readonly tokensPerSecond: number;
}

/**
 * Trains a model on a source, one optimizer step after the other: all of its parameters, or those of its adapter alone
 * when one is attached. The whole state of a run is the model's parameters,
 * their moments and the number of steps done, and every step depends on nothing else: a run that is saved and resumed
 * is the run that was never stopped, bit for bit, where the kernel is deterministic.
 */
export class Trainer implements Disposable {
  readonly model: MambaLM;
  readonly source: DataSource;
  readonly config: TrainConfig;
  readonly #kernel: TrainingKernel;
  readonly #adapter: LoraAdapter | undefined;
  readonly #trained: Parameters;
  readonly #optimizer: Optimizer;
  #step = 0;

  /**
   * The model and the source are borrowed; the model, or the adapter that is attached to it now, is changed in place.
   * With an adapter the model's own weights may be stored in any type.
   *
   * @throws TrainError `CONFIG`, also when the kernel cannot train or a parameter is not float32; `DATA` when the source
   * is empty or its vocabulary larger than the model's
   */
  constructor(model: MambaLM, source: DataSource, config: TrainConfigInput) {
    const { kernel } = model;
    if (!canTrain(kernel)) throw new TrainError("CONFIG", `the ${kernel.name} backend cannot train`);
    this.config = resolveTrainConfig(config);
    checkSource(source, model.config.vocabSize);
    this.model = model;
    this.source = source;
    this.#kernel = kernel;
    const { specs, parameters } = model.trainable;
    this.#adapter = model.adapter;
    this.#trained = parameters;
    this.#optimizer = new Optimizer(kernel, { specs, parameters }, this.config);
  }

  /** Steps done. */
  get step(): number {
    return this.#step;
  }

  /**
   * Trains until `config.steps` are done, or the consumer stops taking events. Between events the trainer is at rest:
   * that is the time to save, to evaluate, or to leave.
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
   * One optimizer step. When it throws, the parameters, the moments and the step count are as they were.
   *
   * @throws TrainError `NON_FINITE` when the loss or the gradient is NaN or infinite; `DATA`
   */
  async advance(): Promise<StepEvent> {
    if (this.model.adapter !== this.#adapter) {
      throw new TrainError("CONFIG", "the model has another adapter than when its training began");
    }
    const start = performance.now();
    const step = this.#step + 1;
    const batches = await this.#batches();
    const total = batches.reduce((sum, batch) => sum + countTargets(batch), 0);
    if (total === 0) {
      throw new TrainError("DATA", `${this.source.id}: step ${step} has no position that counts`);
    }
    using gradient = new Gradient(this.#kernel, this.model, this.#trained.values(), this.config);
    for (const batch of batches) {
      gradient.add(batch, total);
      await this.#kernel.sync();
    }
    const { loss, gradNorm } = await this.#measure(gradient, step);
    const factor = lrFactor(this.config, step);
    using gradScale = this.#clip(gradNorm);
    this.#optimizer.update(step, factor, gradient.byParameter, gradScale);
    await this.#kernel.sync();
    this.#step = step;
    const positions = batches.reduce((sum, { ids }) => sum + ids.length, 0);
    const tokensPerSecond = positions / ((performance.now() - start) / 1000);
    return { step, loss, gradNorm, lr: this.config.lr * factor, tokensPerSecond };
  }

  /** The batches of the next step, in the seeded order. */
  async #batches(): Promise<Batch[]> {
    const { batchSize, accumulation, seed } = this.config;
    const { source } = this;
    const batches: Batch[] = [];
    for (let i = 0; i < accumulation; i++) {
      const first = (this.#step * accumulation + i) * batchSize;
      const examples = [];
      for (let place = first; place < first + batchSize; place++) {
        const index = source.count === undefined ? place : shuffledIndex(place, source.count, seed);
        examples.push(await source.example(index));
      }
      batches.push(collate(examples));
    }
    return batches;
  }

  async #measure({ losses, byParameter }: Gradient, step: number) {
    using squares = this.#kernel.sumOfSquares([...byParameter.values()]);
    const [sum, ...parts] = await this.#kernel.read(squares, ...losses.map(({ loss }) => loss));
    const loss = losses.reduce((mean, { share }, i) => mean + share * Number(parts[i]?.[0]), 0);
    const gradNorm = Math.sqrt(Number(sum?.[0]));
    for (const [what, value] of Object.entries({ loss, "gradient norm": gradNorm })) {
      if (Number.isFinite(value)) continue;
      const remedy = "go on from the last saved state with a lower learning rate or a longer warmup";
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

  /** What identifies this run and how far it is. */
  state(): RunState {
    return {
      step: this.#step,
      data: this.source.id,
      model: { ...this.model.config, ...(this.#adapter && { adapter: this.#adapter.config }) },
      training: { ...this.config },
    };
  }

  /** The tensors that belong to `state`, each read from the device when it is asked for. */
  tensors(): SavedTensor[] {
    return this.#optimizer.tensors().map(({ name, tensor }) => ({
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
   * Goes to a saved state.
   *
   * @param read the values of a tensor of `tensors`, by its name
   * @throws TrainError `RESUME` when the state is of another run, naming what differs. When `read` throws, some tensors
   * are already replaced and the trainer must not be used any more.
   */
  async restore(state: RunState, read: (name: string) => Promise<Float32Array>): Promise<void> {
    checkSameRun(state, this.state());
    for (const { name, tensor } of this.#optimizer.tensors()) this.#kernel.write(tensor, 0, await read(name));
    this.#step = state.step;
  }

  /** Frees the moments. The model is its owner's. */
  [Symbol.dispose](): void {
    this.#optimizer[Symbol.dispose]();
  }
}
