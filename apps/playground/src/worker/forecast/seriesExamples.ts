import type { SeriesData } from "@mamba/core";
import { parseCsv, type SeriesSource, seriesWindows } from "@mamba/train/data";
import { type ForecastSettings, seriesLengths } from "../../protocol.ts";

/** The windows of a series that the model trains on, and those that are held out. */
export interface SeriesExamples {
  readonly train: SeriesSource;
  readonly heldOut: SeriesSource;
  readonly data: SeriesData & { readonly levels: readonly number[] };
}

const column = "value";

/** Cuts the values to train on into windows. The last tenth, but at least 16 windows, is held out. */
export function seriesExamples(
  { name, values, trained }: ForecastSettings,
  levels: readonly number[],
): SeriesExamples {
  const { context, horizon } = seriesLengths;
  const known = values.slice(0, trained);
  const held = Math.max(Math.round(known.length / 10), context + horizon + 15);
  const table = parseCsv([column, ...known].join("\n"), name);
  const { train, heldOut, data } = seriesWindows(table, {
    columns: [column],
    context,
    horizon,
    heldOut: held / known.length,
    positions: "every",
  });
  if (!heldOut) throw new Error(`${name}: no values are held out`);
  return { train, heldOut, data: { ...data, levels } };
}

/** The loss of the best forecast that is always the same: the quantiles of the targets of some windows. */
export async function bestConstantLoss(train: SeriesSource, levels: readonly number[]): Promise<number> {
  const count = train.count ?? 0;
  const every = Math.max(1, Math.floor(count / 20));
  const targets: number[] = [];
  for (let index = 0; index < count; index += every) {
    const { target } = await train.example(index);
    if (typeof target !== "number") targets.push(...target);
  }
  targets.sort((a, b) => a - b);
  const losses = levels.map((level) => {
    const quantile = targets[Math.floor(level * (targets.length - 1))] ?? 0;
    const pinball = (target: number) =>
      Math.max(level * (target - quantile), (level - 1) * (target - quantile));
    return targets.reduce((sum, target) => sum + pinball(target), 0) / targets.length;
  });
  return losses.reduce((sum, loss) => sum + loss, 0) / levels.length;
}
