import { didYouMean } from "@mamba/core";
import type { TrainConfigInput } from "../config.ts";
import { TrainError } from "../errors.ts";

/** When a model is evaluated during a training, and when the training stops. */
export interface FitConfig {
  /** Steps between two evaluations. There is one before the first step and one after the last. Default: a 20th of the steps. */
  readonly evaluateEvery: number;
  /** Examples of an evaluation, the first ones of the held-out source. Default: all. */
  readonly heldOutExamples: number | undefined;
  /** The number of the evaluation that decides which parameters are the best: `loss`, or a metric of the trainable. Default "loss". */
  readonly metric: string;
  /** Default: "max" for `accuracy` and `macroF1`, and "min" for all others. */
  readonly direction: "min" | "max";
  /** The metric must be better than the best by more than this to be the new best. Default 0. */
  readonly minDelta: number;
  /** The training ends after this many evaluations in a row without a new best. Default undefined: it does all of its steps. */
  readonly patience: number | undefined;
}

/** The fields of a training and of its evaluations. `steps` is required. */
export type FitConfigInput = TrainConfigInput & {
  readonly [K in keyof FitConfig]?: FitConfig[K] | undefined;
};

/** Splits a config into its two parts. @throws TrainError `CONFIG`, naming a field of the evaluations, its rule and the value */
export function resolveFitConfig(input: FitConfigInput): {
  readonly fit: FitConfig;
  readonly training: TrainConfigInput;
} {
  const {
    evaluateEvery,
    heldOutExamples,
    metric = "loss",
    direction,
    minDelta = 0,
    patience,
    ...training
  } = input;
  const fit: FitConfig = {
    evaluateEvery: evaluateEvery ?? Math.max(1, Math.ceil(input.steps / 20)),
    heldOutExamples,
    metric,
    direction: direction ?? (["accuracy", "macroF1"].includes(metric) ? "max" : "min"),
    minDelta,
    patience,
  };
  for (const field of ["evaluateEvery", "heldOutExamples", "patience"] as const) {
    const value = fit[field];
    if (value === undefined || (Number.isSafeInteger(value) && value >= 1)) continue;
    throw wrong(field, "a whole number >= 1", value);
  }
  if (!(fit.minDelta >= 0 && fit.minDelta < Infinity)) throw wrong("minDelta", "a number >= 0", fit.minDelta);
  if (!["min", "max"].includes(fit.direction)) throw wrong("direction", '"min" or "max"', fit.direction);
  if (typeof fit.metric !== "string") throw wrong("metric", "the name of a metric", fit.metric);
  return { fit, training };
}

function wrong(field: keyof FitConfig, rule: string, value: unknown): TrainError {
  return new TrainError(
    "CONFIG",
    `field ${field} must be ${rule}, got ${JSON.stringify(value) ?? "undefined"}`,
  );
}

/**
 * The number of an evaluation that decides.
 *
 * @throws TrainError `CONFIG` when the evaluation has no such number
 */
export function metricOf(evaluation: object, metric: string): number {
  const value: unknown = (evaluation as Readonly<Record<string, unknown>>)[metric];
  if (typeof value === "number") return value;
  const known = Object.entries(evaluation).flatMap(([name, own]) => (typeof own === "number" ? [name] : []));
  const hint = didYouMean(metric, known) || `; there are ${known.join(", ")}`;
  throw new TrainError("CONFIG", `the evaluation has no number ${JSON.stringify(metric)}${hint}`);
}
