import { yieldToEventLoop } from "@mamba/core";
import {
  checkSource,
  type DataSource,
  evaluationOf,
  type Example,
  exampleRange,
  ignoreIndex,
  type LanguageModelEvaluation,
} from "@mamba/train";
import { Ngram } from "./ngram.ts";

export interface NgramOptions {
  /** Number of examples to read, from `first` on. Default: all; required for a source that does not end. */
  readonly examples?: number | undefined;
  /** Default 0. */
  readonly first?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called after each example with the number of examples done. */
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
 * Loss and accuracy of an n-gram model on a source. It counts the same positions as `evaluate` of `@mamba/train` does for a
 * language model, so the two results can be compared.
 *
 * @throws TrainError `CONFIG`, `DATA`; the signal's reason
 */
export async function evaluateNgram(
  ngram: Ngram,
  source: DataSource,
  options: NgramOptions = {},
): Promise<LanguageModelEvaluation> {
  checkSource(source, ngram.vocabSize);
  const sums = { loss: 0, correct: 0, targets: 0 };
  const probabilities = new Float64Array(ngram.vocabSize);
  const examples = await forEachExample(source, options, ({ ids, targets }) => {
    targets.forEach((target, position) => {
      if (target === ignoreIndex) return;
      ngram.predict(ids, position, probabilities);
      const wanted = probabilities[target] as number;
      sums.loss -= Math.log(wanted);
      if (probabilities.every((other) => other <= wanted)) sums.correct++;
      sums.targets++;
    });
  });
  return evaluationOf(source, sums, examples);
}

/** @returns the number of examples */
async function forEachExample(
  source: DataSource,
  { examples, first, signal, onProgress }: NgramOptions,
  visit: (example: Example) => void,
): Promise<number> {
  const { start, end } = exampleRange(source, { examples, first });
  for (let index = start; index < end; index++) {
    signal?.throwIfAborted();
    visit(await source.example(index));
    onProgress?.(index - start + 1);
    await yieldToEventLoop();
  }
  return end - start;
}
