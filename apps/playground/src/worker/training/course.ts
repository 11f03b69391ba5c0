import type { Kernel } from "@mamba/kernel";
import type { Trainer } from "@mamba/train";
import type { Evaluation, Prediction, Query } from "../../protocol.ts";

/** A model on a kernel that answers queries. */
export interface Learned extends Disposable {
  /** Undefined when there is nothing to evaluate it on. */
  evaluate?(signal: AbortSignal): Promise<Evaluation>;
  /** @returns undefined when the query is empty */
  predict?(query: Query): Promise<Prediction | undefined>;
  files?(): Promise<ReadonlyMap<string, Uint8Array>>;
}

/** A model in training on a kernel. */
export interface Lesson extends Learned {
  readonly trainer: Pick<Trainer, "run" | "step" | "state" | "tensors" | "restore">;
  /** The loss of the best constant answer. */
  readonly guessLoss: number;
  evaluate(signal: AbortSignal): Promise<Evaluation>;
  /** Steps from one evaluation to the next during the training. Default: none. */
  readonly evaluateEvery?: number;
}

/** The model and the data of one kind of training. */
export interface Course<S> {
  /** A new model before its first step. */
  open(kernel: Kernel, settings: S): Promise<Lesson>;
  /**
   * A model from its files.
   *
   * @throws CheckpointError, also when it is a model of another kind
   */
  load?(kernel: Kernel, files: ReadonlyMap<string, Blob>): Promise<Learned>;
}
