import { yieldToEventLoop } from "@mamba/core";
import { type Evaluation, exampleRange, evaluationOf } from "../evaluate.ts";
import { checkSource, type DataSource, ignoreIndex } from "../source.ts";
import { Ngram } from "./ngram.ts";

export interface NgramOptions {
  /** Examples to look at, from `first` on. Default: all of a source that ends. */
  readonly examples?: number | undefined;
  /** Default 0. */
  readonly first?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called after each example with how many are done. */
  readonly onProgress?: ((done: number) => void) | undefined;
}

/**
 * Counts the n-grams of a source, as a baseline for a model that was trained on the same examples.
 *
 * @param order symbols of an n-gram, the predicted one included; from 1 to 16, default 6
 * @throws TrainError `CONFIG`, `DATA`; the signal's reason
 */
export async function trainNgram(
  source: DataSource,
  { order = 6, ...options }: NgramOptions & { readonly order?: number | undefined } = {},
): Promise<Ngram> {
  const ngram = new Ngram(source.vocabSize, order);
  await forEachExample(source, options, (example) => ngram.add(example));
  return ngram;
}

/**
 * What `evaluate` measures of a model, of an n-gram model: on the same source both see the same positions.
 *
 * @throws TrainError `CONFIG`, `DATA`; the signal's reason
 */
export async function evaluateNgram(
  ngram: Ngram,
  source: DataSource,
  options: NgramOptions = {},
): Promise<Evaluation> {
  checkSource(source, ngram.vocabSize);
  const sum = { loss: 0, correct: 0, targets: 0 };
  const probabilities = new Float64Array(ngram.vocabSize);
  const examples = await forEachExample(source, options, ({ ids, targets }) => {
    targets.forEach((target, position) => {
      if (target === ignoreIndex) return;
      ngram.predict(ids, position, probabilities);
      const wanted = probabilities[target] as number;
      sum.loss -= Math.log(wanted);
      if (probabilities.every((other) => other <= wanted)) sum.correct++;
      sum.targets++;
    });
  });
  return evaluationOf(source, sum, examples);
}

async function forEachExample(
  source: DataSource,
  { examples, first, signal, onProgress }: NgramOptions,
  look: (example: Awaited<ReturnType<DataSource["example"]>>) => void,
): Promise<number> {
  const { start, end } = exampleRange(source, { examples, first });
  for (let index = start; index < end; index++) {
    signal?.throwIfAborted();
    look(await source.example(index));
    onProgress?.(index - start + 1);
    await yieldToEventLoop();
  }
  return end - start;
}
