import { type MambaLM, type StackState, yieldToEventLoop } from "@mamba/core";
import { canTrain, type TrainingKernel } from "@mamba/kernel";
import { type Batch, chunksOf, collate, countTargets } from "./batch.ts";
import { checkExample, checkSource, type DataSource, ignoreIndex } from "./dataSource.ts";
import { TrainError } from "./errors.ts";

export interface EvaluateOptions {
  /** Number of examples to read, from `first` on. Default: all; required for a source that does not end. */
  readonly examples?: number | undefined;
  /** Default 0. */
  readonly first?: number | undefined;
  /** Examples per batch. Default 8. */
  readonly batchSize?: number | undefined;
  /** Positions per forward call. Memory grows with this number, not with the length of the examples. Default 2048. */
  readonly segmentLength?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called after each forward call with the number of positions done, padding included. */
  readonly onProgress?: ((done: number) => void) | undefined;
}

/** The result of an evaluation, over all positions that count. */
export interface Evaluation {
  /** Mean of -log p(target), in nats. */
  readonly loss: number;
  /** e^loss */
  readonly perplexity: number;
  /** Fraction of positions at which the target is the most probable token. */
  readonly accuracy: number;
  /** Number of positions that count. */
  readonly targets: number;
  readonly examples: number;
}

/**
 * Loss and accuracy of a language model on a source, in the source's order. Examples run in chunks, and the state goes from
 * one chunk to the next, so memory does not grow with the length of the examples.
 *
 * @throws TrainError `CONFIG` (options, a kernel that cannot compute the loss), `DATA` (the source, an id or target outside of
 * the vocabulary), `NON_FINITE` (the loss of some examples is NaN or infinite); the signal's reason
 */
export async function evaluate(
  model: MambaLM,
  source: DataSource,
  { examples, first, batchSize = 8, segmentLength = 2048, signal, onProgress }: EvaluateOptions = {},
): Promise<Evaluation> {
  const { kernel } = model;
  if (!canTrain(kernel)) throw new TrainError("CONFIG", `the ${kernel.name} backend has no loss to evaluate`);
  checkSource(source, model.config.vocabSize);
  checkWholes({ batchSize, segmentLength });
  const { start: from, end } = exampleRange(source, { examples, first });

  const sums = { loss: 0, correct: 0, targets: 0 };
  let done = 0;
  for (let start = from; start < end; start += batchSize) {
    const rows = [];
    for (let i = start; i < Math.min(start + batchSize, end); i++) {
      const example = await source.example(i);
      checkExample(example, model.config.vocabSize, `${source.id}: example ${i}`);
      rows.push(example);
    }
    const chunks = chunksOf(collate(rows), segmentLength);
    using state = chunks.length > 1 ? model.createState(rows.length) : undefined;
    for (const chunk of chunks) {
      signal?.throwIfAborted();
      const { loss, correct, targets } = await measure(kernel, model, chunk, state);
      if (!Number.isFinite(loss)) {
        const examples = `examples ${start} to ${start + rows.length - 1}`;
        throw nonFinite(`${source.id}: the loss of ${examples} is ${loss}`);
      }
      sums.loss += loss * targets;
      sums.correct += correct;
      sums.targets += targets;
      done += chunk.ids.length;
      onProgress?.(done);
      await yieldToEventLoop();
    }
  }
  return evaluationOf(source, sums, end - from);
}

/**
 * The range of examples that `EvaluateOptions` select.
 *
 * @throws TrainError `CONFIG`, also when the source does not end and `examples` is not given; `DATA` when the source has
 * fewer examples
 */
export function exampleRange(
  source: DataSource,
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

/**
 * The result of an evaluation from the sums over all positions that count.
 *
 * @param sums `loss`: sum of -log p(target) in nats; `correct`: positions at which the target is the most probable token;
 * `targets`: positions that count
 * @throws TrainError `DATA` when no position counts; `NON_FINITE` when the loss is NaN or infinite
 */
export function evaluationOf(
  source: DataSource,
  sums: { readonly loss: number; readonly correct: number; readonly targets: number },
  examples: number,
): Evaluation {
  const { targets } = sums;
  if (targets === 0) throw new TrainError("DATA", `${source.id} has no position that counts`);
  const loss = sums.loss / targets;
  if (!Number.isFinite(loss)) throw nonFinite(`${source.id}: the loss is ${loss}`);
  return { loss, perplexity: Math.exp(loss), accuracy: sums.correct / targets, targets, examples };
}

/** Loss and accuracy of one chunk; advances the cache. */
async function measure(
  kernel: TrainingKernel,
  model: MambaLM,
  { size, length, ids: hostIds, targets }: Batch,
  state: StackState | undefined,
): Promise<{ loss: number; correct: number; targets: number }> {
  const count = countTargets({ targets });
  using ids = kernel.upload(hostIds, [size, length], "i32");
  if (count === 0) {
    if (state) model.forward(ids, { state, logits: "last" }).dispose();
    await kernel.sync();
    return { loss: 0, correct: 0, targets: 0 };
  }
  using logits = model.forward(ids, { state });
  using flat = kernel.reshape(logits, [targets.length, model.config.vocabSize]);
  using wanted = kernel.upload(targets, [targets.length], "i32");
  using loss = kernel.crossEntropy(flat, wanted).loss;
  using best = kernel.argmax(flat);
  const [mean, chosen] = await kernel.read(loss, best);
  let correct = 0;
  targets.forEach((target, i) => {
    if (target !== ignoreIndex && chosen?.[i] === target) correct++;
  });
  return { loss: Number(mean?.[0]), correct, targets: count };
}

function nonFinite(what: string): TrainError {
  const remedy = "a weight of the model is probably NaN or infinite: use another checkpoint";
  return new TrainError("NON_FINITE", `${what}; ${remedy}`);
}
