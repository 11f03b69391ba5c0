import type { SequenceModel } from "@mamba/core";
import { evaluate, regressor } from "@mamba/train";
import type { SeriesSource } from "@mamba/train/data";
import type { ForecastEvaluation } from "../../protocol.ts";
import type { SeriesExamples } from "./seriesExamples.ts";

/** The errors of forecasts from the last position of held-out windows, beside those of a forecast that repeats the last value. */
export async function evaluateForecasts(
  model: SequenceModel,
  heldOut: SeriesSource,
  { levels, horizon, mean: [mean = 0], std: [std = 1] }: SeriesExamples["data"],
  signal: AbortSignal,
): Promise<ForecastEvaluation> {
  const source = lastPositions(heldOut, horizon);
  const scored = regressor(model, { loss: { levels }, scale: std, offset: mean });
  const { mae, quantiles = [] } = await evaluate(scored, source, { batchSize: 16, signal });
  const [low, high] = [quantiles[0], quantiles.at(-1)];
  return {
    kind: "forecast",
    error: mae,
    persistence: (await persistenceError(source, horizon)) * std,
    inside: (high?.covered ?? NaN) - (low?.covered ?? NaN),
    expected: (high?.level ?? NaN) - (low?.level ?? NaN),
  };
}

/** The same windows, in which only the targets of the last position count. */
function lastPositions(source: SeriesSource, horizon: number): SeriesSource {
  return {
    ...source,
    async example(index) {
      const { input, target } = await source.example(index);
      if (typeof target === "number") return { input, target };
      const last = Float32Array.from(target).fill(NaN, 0, target.length - horizon);
      return { input, target: last };
    },
  };
}

/** Mean absolute error, normalised. */
async function persistenceError(source: SeriesSource, horizon: number): Promise<number> {
  const { count } = source;
  let sum = 0;
  for (let index = 0; index < count; index++) {
    const { input, target } = await source.example(index);
    const last = input.at(-1) ?? NaN;
    if (typeof target === "number") continue;
    for (const value of target.slice(-horizon)) sum += Math.abs(value - last);
  }
  return sum / (count * horizon);
}
