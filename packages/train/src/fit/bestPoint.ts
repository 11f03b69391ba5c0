import type { Evaluation } from "../evaluate.ts";
import { type FitConfig, metricOf } from "./fitConfig.ts";

/** The evaluation with the best metric so far. */
export interface BestPoint<M extends object = object> {
  readonly step: number;
  /** The value of the metric. */
  readonly value: number;
  readonly evaluation: Evaluation & M;
}

/** How far the evaluations of a training are. Plain data that can be stored as JSON. */
export interface FitState<M extends object = object> {
  /** The source of the evaluations. */
  readonly heldOut: string;
  /** The rule by which an evaluation is the best. */
  readonly rule: Pick<FitConfig, "metric" | "direction" | "minDelta">;
  /** The step of the last evaluation; -1 before the first. */
  readonly evaluated: number;
  /** Undefined before the first evaluation. */
  readonly best?: BestPoint<M> | undefined;
  /** Evaluations since the best one. */
  readonly waited: number;
}

/** The state after an evaluation. It is the best one when `best.step` is its step. */
export function afterEvaluation<M extends object>(
  state: FitState<M>,
  step: number,
  evaluation: Evaluation & M,
): FitState<M> {
  const { metric, direction, minDelta } = state.rule;
  const value = metricOf(evaluation, metric);
  const { best } = state;
  const gain = best === undefined ? Infinity : direction === "min" ? best.value - value : value - best.value;
  if (best !== undefined && !(gain > minDelta))
    return { ...state, evaluated: step, waited: state.waited + 1 };
  return { ...state, evaluated: step, best: { step, value, evaluation }, waited: 0 };
}
