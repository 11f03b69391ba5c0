import type { ExampleSource } from "./dataSource.ts";
import { TrainError } from "./errors.ts";
import { type Evaluation, nonFinite } from "./evaluate.ts";

/** Metrics of a language model. */
export interface LanguageModelMetrics {
  /** e^loss */
  readonly perplexity: number;
  /** Fraction of positions at which the target is the most probable token. */
  readonly accuracy: number;
}

/** The result of an evaluation of a language model. */
export type LanguageModelEvaluation = Evaluation & LanguageModelMetrics;

/** Sums over all positions that count. */
export interface LanguageModelSums {
  /** Sum of -log p(target), in nats. */
  readonly loss: number;
  /** Positions at which the target is the most probable token. */
  readonly correct: number;
  /** Positions that count. */
  readonly targets: number;
}

export function languageModelMetrics({ loss, correct, targets }: LanguageModelSums): LanguageModelMetrics {
  return { perplexity: Math.exp(loss / targets), accuracy: correct / targets };
}

/**
 * The result of `evaluate` for a predictor of tokens that is no `Trainable`, such as one that counts n-grams.
 *
 * @throws TrainError `DATA` when no position counts; `NON_FINITE` when the loss is NaN or infinite
 */
export function evaluationOf(
  source: Pick<ExampleSource<unknown>, "id">,
  sums: LanguageModelSums,
  examples: number,
): LanguageModelEvaluation {
  const { targets } = sums;
  if (targets === 0) throw new TrainError("DATA", `${source.id} has no target that counts`);
  const loss = sums.loss / targets;
  if (!Number.isFinite(loss)) throw nonFinite(`${source.id}: the loss is ${loss}`);
  return { loss, targets, examples, ...languageModelMetrics(sums) };
}
