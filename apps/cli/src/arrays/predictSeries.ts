import type { SeriesData } from "@mamba/core";
import type { CsvTable } from "@mamba/train/data";
import { usage } from "../program/errors.ts";
import { note, type Host } from "../program/host.ts";
import { continueTimes } from "./continueTimes.ts";
import type { SeriesModel } from "./loadArrayModel.ts";
import type { Predictions, PredictRequest } from "./predictArrays.ts";
import { rounded } from "./rounded.ts";
import { readTable } from "./seriesData.ts";

/** Forecasts the rows after those of a table. @throws CliError `USAGE`, TrainError `DATA` */
export async function predictSeries(
  { model, data }: SeriesModel,
  request: PredictRequest,
  host: Host,
): Promise<Predictions> {
  const { delimiter, missing = "refuse" } = request;
  const { context, horizon, targets, levels } = data;
  const table = await readTable(request.data, delimiter, host);
  const { seriesInput } = await import("@mamba/train/data");
  const { forecastSeries } = await import("@mamba/train");
  const input = seriesInput(table, data, missing);
  if (table.rows < context) throw usage(`${table.name}: the model reads ${context} rows, got ${table.rows}`);
  const values = await forecastSeries(model, data, input, { signal: host.signal });
  const times = timesOf(table, data, host);
  const width = targets.length * (levels?.length ?? 1);
  const names = targets.flatMap((target) =>
    levels ? levels.map((level) => `${target}_q${level}`) : [target],
  );
  const rows = Array.from({ length: horizon }, (_, h) => [
    times.cells[h] ?? h + 1,
    ...Array.from(values.subarray(h * width, (h + 1) * width), rounded),
  ]);
  const head = [times.name, ...names];
  return {
    head,
    rows,
    json: rows.map((row) => Object.fromEntries(row.map((cell, i) => [head[i] ?? "", cell]))),
  };
}

/** The first column of the result: the times that follow those of the table, or the numbers of the rows. */
function timesOf(
  table: CsvTable,
  { columns, targets, horizon }: SeriesData,
  host: Host,
): { name: string; cells: readonly string[] } {
  const [first = ""] = table.columns;
  const numbered = { name: targets.includes("step") ? "row" : "step", cells: [] };
  if (columns.includes(first)) return numbered;
  const cells = continueTimes(table.text(first), horizon);
  if (cells) return { name: first, cells };
  note(host, `note: the rows are numbered, because the column ${first} has no times at a regular interval`);
  return numbered;
}
