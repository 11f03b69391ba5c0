import type { Ops, Parameters, ParameterSpec } from "@mamba/core";
import type { Kernel, Tensor } from "@mamba/kernel";
import type { Example, ExampleSource } from "./dataSource.ts";
import { TrainError } from "./errors.ts";
import type { Evaluator } from "./evaluator.ts";

/**
 * The object of a training: parameters with their rules, and a function from a batch to its loss. `languageModel` makes one
 * of a language model, `classifier` and `regressor` of any model, and `trainable` of your own function.
 *
 * @typeParam E an example of the data
 * @typeParam M the metrics of an evaluation beside the loss
 */
export interface Trainable<E = Example, M extends object = object> {
  readonly kernel: Kernel;
  /** The rules of `parameters`: weight decay, learning rate and storage. */
  readonly specs: readonly ParameterSpec[];
  /**
   * The parameters that training changes, under the names of `specs`. They are f32, but those with `storage: "any"` may be f16 or
   * bf16: see `TrainConfig.weights`. Borrowed.
   */
  readonly parameters: Parameters;
  /** Identifies the model: a resumed run must have an equal config. Plain data that can be stored as JSON. */
  readonly config: Readonly<Record<string, unknown>>;
  /** @throws TrainError `DATA` when the examples of a source do not fit the model */
  checkSource?(source: ExampleSource<E>): void;
  /**
   * Checks each example before `loss`.
   *
   * @param where names the example in messages
   * @throws TrainError `DATA` when the example is invalid
   */
  checkExample?(example: E, where: string): void;
  /** @throws TrainError `DATA` when an example is invalid; `CONFIG` when the model cannot be trained as it is now */
  loss(examples: readonly E[], options: LossOptions): BatchLoss;
  /** Computes the metrics of an evaluation. Default: the loss alone. */
  evaluator?(): Evaluator<E, M>;
}

/** The circumstances in which a loss is computed. */
export interface LossOptions {
  /** Positions per chunk (see `TrainConfig`). */
  readonly segmentLength?: number | undefined;
  /**
   * Given in training only: for random numbers, such as those of dropout. Each batch has its own, which depends on the seed of
   * the config and the number of the step alone.
   */
  readonly training?: { readonly seed: number } | undefined;
}

/** The loss of a batch, as one chunk or as several that carry a state from one to the next. */
export interface BatchLoss {
  /**
   * The number of targets or, where targets have weights, the sum of the weights. The loss of a step is the mean over the targets
   * of all its batches, each with its weight.
   */
  readonly weight: number;
  /** Number of positions that go through the model, padding included. */
  readonly positions: number;
  /** Number of positions that are not padding. */
  readonly realPositions: number;
  /**
   * The chunks in order. The gradient of a chunk's loss is computed before the next chunk is requested.
   *
   * @param kernel creates the states that chunks carry: the model's kernel, or one that only counts memory
   */
  chunks(kernel: Kernel): Iterable<ChunkLoss>;
}

/** The loss of a chunk. */
export interface ChunkLoss {
  /** The part of `BatchLoss.weight` that is in this chunk. A chunk of weight 0 only advances the state. */
  readonly weight: number;
  /**
   * Computes the mean loss over the targets, [1], with these ops alone: a `Tape` in training, `EagerOps` in an evaluation. The
   * result belongs to the ops. In a chunk of weight 0 it is ignored.
   */
  loss(ops: Ops): Tensor;
}

/** A model of your own, for `trainable`. */
export interface TrainableOptions<E> extends Pick<
  Trainable<E>,
  "kernel" | "specs" | "parameters" | "config"
> {
  /**
   * Computes the loss of a batch, [1], the mean over the examples. It uses the methods of `ops` alone, `ops.constant` for inputs:
   * calls of the kernel would have no gradient, and their memory would not be predicted.
   */
  readonly loss: (ops: Ops, examples: readonly E[], options: LossOptions) => Tensor;
  /** See `Trainable.checkExample`. */
  readonly checkExample?: ((example: E, where: string) => void) | undefined;
}

/** A trainable whose batches are one chunk, and in which every example has the same weight. */
export function trainable<E>({ loss, checkExample, ...model }: TrainableOptions<E>): Trainable<E> {
  return {
    ...model,
    ...(checkExample && { checkExample }),
    loss(examples, options) {
      checkWhole(options, "a model that does not run in chunks");
      const weight = examples.length;
      const chunk = { weight, loss: (ops: Ops) => loss(ops, examples, options) };
      return { weight, positions: weight, realPositions: weight, chunks: () => [chunk] };
    },
  };
}

/** @throws TrainError `CONFIG` when the examples are to be cut into chunks, which the model cannot take */
function checkWhole({ segmentLength }: LossOptions, model: string): void {
  if (segmentLength === undefined) return;
  throw new TrainError(
    "CONFIG",
    `training field segmentLength must be undefined for ${model}, got ${segmentLength}`,
  );
}
