import { type DerivedTensors, EagerOps } from "@mamba/core";
import { type Kernel, Scope } from "@mamba/kernel";
import type { Trainable } from "./trainable.ts";

/** The fields of `EvaluateOptions` that an evaluator depends on. */
export interface EvaluatorOptions {
  /** Positions per forward call, for models that run in chunks. */
  readonly segmentLength: number | undefined;
}

/**
 * Sums over the batches of an evaluation, in float64. One object is one evaluation.
 *
 * @typeParam M the metrics beside the loss
 */
export interface Evaluator<E, M extends object> {
  /** Sum of the losses of all targets so far, each times its weight. */
  readonly lossSum: number;
  /** Sum of the weights of all targets so far: the loss is `lossSum / weight`. */
  readonly weight: number;
  /** Number of targets so far. */
  readonly targets: number;
  /** Runs the model on a batch. Yields the number of positions, padding included, after each forward call. */
  add(examples: readonly E[], options: EvaluatorOptions): AsyncIterable<number>;
  /** The metrics over all batches so far. There is at least one target. */
  metrics(): M;
}

/** Evaluates any trainable by its loss alone. */
export class LossEvaluator<E> implements Evaluator<E, object> {
  lossSum = 0;
  weight = 0;
  targets = 0;
  readonly #trainable: Trainable<E>;

  constructor(trainable: Trainable<E>) {
    this.#trainable = trainable;
  }

  async *add(examples: readonly E[]): AsyncGenerator<number, void, undefined> {
    const { kernel } = this.#trainable;
    const batch = this.#trainable.loss(examples, {});
    using scope = new Scope();
    const losses = [];
    for (const chunk of batch.chunks(kernel)) {
      using ops = sequenceOps(kernel);
      const loss = scope.use(ops.keep(chunk.loss(ops)));
      losses.push({ loss, weight: chunk.weight });
    }
    const values = await kernel.read(...losses.map(({ loss }) => loss));
    losses.forEach(({ weight }, i) => {
      if (weight > 0) this.lossSum += weight * Number(values[i]?.[0]);
    });
    this.weight += batch.weight;
    this.targets += batch.weight;
    yield batch.positions;
  }

  metrics(): object {
    return {};
  }
}

/**
 * Eager ops that run sequences as training does, also those of one position.
 *
 * @param derived the model's cache of tensors that depend on a parameter alone
 */
export function sequenceOps(kernel: Kernel, derived?: DerivedTensors): EagerOps {
  return new EagerOps(kernel, { derived, steps: false });
}
