import { forecast, type SequenceModel, type SeriesData } from "@mamba/core";
import type { ArrayExample } from "../arrayExample.ts";
import { TrainError } from "../errors.ts";
import type { ArrayTrainable } from "./arrayTrainable.ts";
import { checkPrediction, predict } from "./predict.ts";
import type { RegressionLoss, RegressorMetrics } from "./regressionSums.ts";
import { regressor } from "./regressor.ts";

export interface SeriesRegressorOptions {
  /** The loss of a forecast of numbers; with `data.levels` it is that of the quantiles. Default "squaredError". */
  readonly loss?: Exclude<RegressionLoss, object> | undefined;
}

/**
 * A model of series as a `regressor` whose metrics and predictions are in the units of the table: row after row of the horizon, target
 * after target. Those of a relative forecast are changes since the last row of the input; `forecastSeries` adds that row.
 *
 * @param data the preparation of the inputs, of `seriesWindows` or of a loaded model
 * @throws TrainError `CONFIG` when the outputs of the model are neither those of the whole horizon nor of one row
 */
export function seriesRegressor(
  model: SequenceModel,
  data: SeriesData,
  { loss = "squaredError" }: SeriesRegressorOptions = {},
): ArrayTrainable<RegressorMetrics> {
  const { levels, horizon, relative } = data;
  const { mean, std } = targetScales(data);
  const rows = isDirectForecaster(model, data) ? horizon : 1;
  const perRow = (values: readonly number[]) => Array.from({ length: rows }, () => values).flat();
  return regressor(model, {
    loss: levels ? { levels } : loss,
    scale: perRow(std),
    offset: relative ? 0 : perRow(mean),
  });
}

/**
 * Forecasts the rows after those of an input, in the units of the table. A model of one row forecasts recursively: it reads its own
 * forecasts (see `forecast`).
 *
 * @param input [L, C], normalised, as `seriesInput` makes it. The model reads the last `data.context` rows
 * @returns [horizon, targets], or [horizon, targets, levels] for quantiles
 * @throws TrainError `DATA` when the input has fewer rows than the context or a number that is not finite; `NON_FINITE` when a
 * forecast is NaN or infinite; `CONFIG` when the outputs of the model do not fit `data`, or a recursive model does not forecast all
 * columns that it reads; the signal's reason
 */
export async function forecastSeries(
  model: SequenceModel,
  data: SeriesData,
  input: ArrayExample["input"],
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<Float32Array> {
  const { columns, targets, context, horizon, levels, relative } = data;
  const rows = input.length / columns.length;
  if (!(input instanceof Float32Array && Number.isInteger(rows) && rows >= context)) {
    const got = `${input.length} numbers`;
    const expected = `${context} rows of ${columns.length} numbers or more`;
    throw new TrainError("DATA", `forecastSeries: the input must be ${expected}, got ${got}`);
  }
  const known = input.slice(input.length - context * columns.length);
  const { mean, std } = targetScales(data);
  const targetOf = (i: number) => Math.floor(i / (levels?.length ?? 1)) % targets.length;
  if (isDirectForecaster(model, data)) {
    const [all = new Float32Array()] = await predict(seriesRegressor(model, data), [known], { signal });
    // A model with results for all positions ends with those of the last.
    const values = all.slice(all.length - model.outputs);
    if (!relative) return values;
    const last = targets.map((target, t) => {
      const value = known[known.length - columns.length + columns.indexOf(target)] ?? NaN;
      return value * (std[t] ?? NaN) + (mean[t] ?? NaN);
    });
    return values.map((change, i) => change + (last[targetOf(i)] ?? NaN));
  }
  if (relative || columns.some((column, i) => column !== targets[i])) {
    const rule = "must forecast the values of all columns that it reads, in their order";
    throw new TrainError("CONFIG", `forecastSeries: a model that reads its own forecasts ${rule}`);
  }
  const values = await forecast(model, known, horizon, { levels, signal });
  checkPrediction("forecastSeries", values);
  return values.map((value, i) => value * (std[targetOf(i)] ?? NaN) + (mean[targetOf(i)] ?? NaN));
}

/**
 * True for a model whose outputs are the whole horizon (a direct forecast), false for one whose outputs are the next row, which reads
 * its own forecasts (a recursive one).
 *
 * @throws TrainError `CONFIG` for any other number of outputs, and when the model cannot be stepped
 */
export function isDirectForecaster({ outputs, config }: SequenceModel, data: SeriesData): boolean {
  const perRow = data.targets.length * (data.levels?.length ?? 1);
  if (outputs === perRow * data.horizon) return true;
  if (outputs === perRow && config.pooling === "none" && config.direction === "causal") return false;
  const rule = `${perRow * data.horizon} outputs, or ${perRow} when it is causal and has no pooling`;
  throw new TrainError(
    "CONFIG",
    `a model that forecasts ${data.horizon} rows must have ${rule}, got ${outputs}`,
  );
}

/** The normalisation of each target. */
function targetScales({ columns, targets, mean, std }: SeriesData): { mean: number[]; std: number[] } {
  const of = (values: readonly number[]) => targets.map((target) => values[columns.indexOf(target)] ?? NaN);
  return { mean: of(mean), std: of(std) };
}
