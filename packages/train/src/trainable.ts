import type { Parameters, ParameterSpec, Tape } from "@mamba/core";
import type { Kernel, Tensor } from "@mamba/kernel";
import type { Example, ExampleSource } from "./dataSource.ts";
import { TrainError } from "./errors.ts";

/**
 * The object of a training: parameters with their rules, and a function from a batch to its loss. `languageModel` makes one
 * of a language model, and `trainable` of your own function.
 *
 * @typeParam E an example of the data
 */
export interface Trainable<E = Example> {
  readonly kernel: Kernel;
  /** The rules of `parameters`: weight decay and learning rate. */
  readonly specs: readonly ParameterSpec[];
  /** The parameters that training changes, f32, under the names of `specs`. Borrowed. */
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
}

/** Fields of the training config that the loss depends on. */
export interface LossOptions {
  /** Positions per chunk (see `TrainConfig`). */
  readonly segmentLength: number | undefined;
}

/** The loss of a batch, as one chunk or as several that carry a state from one to the next. */
export interface BatchLoss {
  /** Number of targets. The loss of a step is the mean over the targets of all its batches. */
  readonly targets: number;
  /** Number of positions that go through the model, padding included. */
  readonly positions: number;
  /** The chunks in order. The gradient of a chunk's loss is computed before the next chunk is requested. */
  chunks(): Iterable<ChunkLoss>;
}

/** The loss of a chunk. */
export interface ChunkLoss {
  /** Number of targets in the chunk, at least 1. */
  readonly targets: number;
  /** Records the forward pass on a tape and returns the mean loss over the targets, [1]. It belongs to the tape. */
  loss(tape: Tape): Tensor;
}

/** A model of your own, for `trainable`. */
export interface TrainableOptions<E> extends Pick<
  Trainable<E>,
  "kernel" | "specs" | "parameters" | "config"
> {
  /**
   * Records the forward pass of a batch on a tape and returns its loss, [1]: the mean over the examples. Tensors that you
   * upload for it become the tape's with `tape.hold`.
   */
  readonly loss: (tape: Tape, examples: readonly E[]) => Tensor;
}

/** A trainable whose batches are one chunk, and in which every example has the same weight. */
export function trainable<E>({ loss, ...model }: TrainableOptions<E>): Trainable<E> {
  return {
    ...model,
    loss(examples, { segmentLength }) {
      if (segmentLength !== undefined) {
        throw new TrainError(
          "CONFIG",
          `training field segmentLength must be undefined for a model that does not run in chunks, got ${segmentLength}`,
        );
      }
      const targets = examples.length;
      const chunk = { targets, loss: (tape: Tape) => loss(tape, examples) };
      return { targets, positions: examples.length, chunks: () => [chunk] };
    },
  };
}
