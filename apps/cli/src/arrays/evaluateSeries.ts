import { table } from "@mamba/display";
import { usage } from "../program/errors.ts";
import type { Host } from "../program/host.ts";
import { progress } from "../program/progress.ts";
import type { EvalData, Evaluated } from "./evaluateArrays.ts";
import type { SeriesModel } from "./loadArrayModel.ts";
import { meanOf, rootMeanSquare } from "./means.ts";
import { lastPositionOnly, openSeries, persistenceErrors } from "./seriesData.ts";

/** Evaluates forecasts of all rows of the horizon, beside those of persistence. @throws CliError `USAGE`, TrainError `DATA` */
export async function evaluateSeries(
  { model, data }: SeriesModel,
  { data: path, heldOut = 0, missing = "refuse", delimiter, examples, batchSize }: EvalData,
  host: Host,
): Promise<Evaluated> {
  const { evaluate, isDirectForecaster, seriesRegressor } = await import("@mamba/train");
  if (!isDirectForecaster(model, data))
    throw usage("a model that forecasts row by row is not evaluated here; see predict");
  const { mean, std, ...cut } = data;
  const windows = await openSeries(
    { path, delimiter, ...cut, stride: 1, missing, heldOut },
    { mean, std },
    host,
  );
  const every = windows.heldOut ?? windows.all;
  const source = model.perPosition ? lastPositionOnly(every, data) : every;
  using bar = progress(host, "evaluating", String);
  const total = (examples ?? every.count) * data.context;
  const trainable = seriesRegressor(model, data);
  const found = await evaluate(trainable, source, {
    ...{ examples, batchSize, signal: host.signal },
    onProgress: (done) => bar.update(done, Math.max(done, total)),
  });
  const counted = { id: every.id, count: examples ?? every.count, example: (i: number) => every.example(i) };
  const persistence = await persistenceErrors(counted, data);
  const results = data.targets.map((target, t) => {
    const own = (values: readonly number[]) => values.filter((_, i) => i % data.targets.length === t);
    const mine = {
      mae: own(found.perTarget.map(({ mae }) => mae)),
      rmse: own(found.perTarget.map(({ rmse }) => rmse)),
    };
    const naive = { mae: own(persistence.mae), rmse: own(persistence.rmse) };
    return {
      target,
      ...{ mae: meanOf(mine.mae), rmse: rootMeanSquare(mine.rmse) },
      persistence: { mae: meanOf(naive.mae), rmse: rootMeanSquare(naive.rmse) },
      maePerRow: mine.mae,
    };
  });
  const lines = results.map(({ target, mae, rmse, persistence: naive }) => [
    target,
    ...[mae, rmse, naive.mae, naive.rmse].map((value) => value.toPrecision(4)),
  ]);
  const head = ["target", "MAE", "RMSE", "MAE of persistence", "RMSE of persistence"];
  const covered = (found.quantiles ?? []).map(({ level, covered: fraction }) => [
    String(level),
    fraction.toFixed(3),
  ]);
  const quantiles =
    covered.length > 0 ? `\n${table([["level", "at or below it"], ...covered], [0, 1])}\n` : "";
  const { loss, targets, quantiles: levels } = found;
  return {
    json: {
      examples: found.examples,
      targets,
      loss,
      results,
      ...(levels && { quantiles: levels }),
    } as Evaluated["json"],
    text: `${table([head, ...lines], [1, 2, 3, 4])}\n${quantiles}\n${levels ? "quantile loss" : "squared error"} ${loss.toFixed(4)}, normalised, over rows 1 to ${data.horizon} after the context\n`,
  };
}
