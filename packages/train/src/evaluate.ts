import { yieldToEventLoop } from "@mamba/core";
import { canTrain } from "@mamba/kernel";
import type { ExampleSource } from "./dataSource.ts";
import { TrainError } from "./errors.ts";
import { LossEvaluator } from "./evaluator.ts";
import type { Trainable } from "./trainable.ts";

export interface EvaluateOptions {
  /** Number of examples to read, from `first` on. Default: all; required for a source that does not end. */
  readonly examples?: number | undefined;
  /** Default 0. */
  readonly first?: number | undefined;
  /** Examples per batch. Default 8. */
  readonly batchSize?: number | undefined;
  /**
   * Positions per forward call of a language model: memory grows with this number, not with the length of the examples. Other
   * models read their examples whole. Default 2048.
   */
  readonly segmentLength?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called after each forward call with the number of positions done, padding included. */
  readonly onProgress?: ((done: number) => void) | undefined;
}

/** The result of an evaluation, over all targets that count. The metrics of the trainable stand beside these fields. */
export interface Evaluation {
  /** Mean loss over the targets. Language models and classifiers: -log p(target), in nats. */
  readonly loss: number;
  /** Number of targets that count. */
  readonly targets: number;
  readonly examples: number;
}

/**
 * Loss and metrics of a model on a source, in the source's order. Sums are in float64, so the result does not depend on the
 * batches beyond the rounding of the model itself. A language model runs in chunks, and the state goes from one chunk to the next,
 * so memory does not grow with the length of the examples.
 *
 * @param trainable such as `languageModel(model)`, `classifier(model)`; its metrics are fields of the result
 * @throws TrainError `CONFIG` (options, a kernel that cannot compute the loss), `DATA` (the source, an example that the model does
 * not take), `NON_FINITE` (the loss of some examples is NaN or infinite); the signal's reason
 */
export async function evaluate<E, M extends object>(
  trainable: Trainable<E, M>,
  source: ExampleSource<E>,
  { examples, first, batchSize = 8, segmentLength = 2048, signal, onProgress }: EvaluateOptions = {},
): Promise<Evaluation & M> {
  const { kernel } = trainable;
  if (!canTrain(kernel)) throw new TrainError("CONFIG", `the ${kernel.name} backend has no loss to evaluate`);
  trainable.checkSource?.(source);
  if (source.count === 0) throw new TrainError("DATA", `${source.id} has no examples`);
  checkWholes({ batchSize, segmentLength });
  const { start: from, end } = exampleRange(source, { examples, first });

  // Without an evaluator of its own, a trainable has no metrics: M is then an empty object.
  const sums =
    trainable.evaluator?.() ??
    (new LossEvaluator(trainable) as unknown as LossEvaluator<E> & { metrics(): M });
  let done = 0;
  for (let start = from; start < end; start += batchSize) {
    const batch: E[] = [];
    for (let i = start; i < Math.min(start + batchSize, end); i++) {
      const example = await source.example(i);
      trainable.checkExample?.(example, `${source.id}: example ${i}`);
      batch.push(example);
    }
    signal?.throwIfAborted();
    for await (const positions of sums.add(batch, { segmentLength })) {
      if (!Number.isFinite(sums.lossSum)) {
        const examples = `examples ${start} to ${start + batch.length - 1}`;
        throw nonFinite(`${source.id}: the loss of ${examples} is ${sums.lossSum}`);
      }
      done += positions;
      onProgress?.(done);
      await yieldToEventLoop();
      signal?.throwIfAborted();
    }
  }
  if (!(sums.weight > 0)) throw new TrainError("DATA", `${source.id} has no target that counts`);
  const { targets } = sums;
  return { loss: sums.lossSum / sums.weight, targets, examples: end - from, ...sums.metrics() };
}

/**
 * The range of examples that `EvaluateOptions` select.
 *
 * @throws TrainError `CONFIG`, also when the source does not end and `examples` is not given; `DATA` when the source has
 * fewer examples
 */
export function exampleRange(
  source: Pick<ExampleSource<unknown>, "id" | "count">,
  { examples, first = 0 }: Pick<EvaluateOptions, "examples" | "first">,
): { start: number; end: number } {
  checkWholes({ first }, 0);
  const left = source.count === undefined ? undefined : source.count - first;
  const count = examples ?? left;
  checkWholes({ examples: count });
  if (left !== undefined && Number(count) > left) {
    throw new TrainError(
      "DATA",
      `${source.id} has ${left} examples from ${first} on, ${count ?? 0} were asked for`,
    );
  }
  return { start: first, end: first + Number(count) };
}

function checkWholes(fields: Readonly<Record<string, number | undefined>>, min = 1): void {
  for (const [field, value] of Object.entries(fields)) {
    if (value !== undefined && Number.isSafeInteger(value) && value >= min) continue;
    throw new TrainError(
      "CONFIG",
      `evaluate: ${field} must be a whole number >= ${min}, got ${value ?? "none"}`,
    );
  }
}

/** An error about a loss that is NaN or infinite. */
export function nonFinite(what: string): TrainError {
  const remedy = "a weight of the model is probably NaN or infinite: use another checkpoint";
  return new TrainError("NON_FINITE", `${what}; ${remedy}`);
}
