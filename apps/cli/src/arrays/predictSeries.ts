import type { SequenceModel, SeriesData } from "@mamba/core";
import type { CsvTable } from "@mamba/train/data";
import { usage } from "../program/errors.ts";
import { note, type Host } from "../program/host.ts";
import { continueTimes } from "./continueTimes.ts";
import type { SeriesModel } from "./loadArrayModel.ts";
import type { Predictions, PredictRequest } from "./predictArrays.ts";
import { rounded } from "./rounded.ts";
import { isDirect, readTable, seriesRegressor } from "./seriesData.ts";

/** Forecasts the rows after those of a table. @throws CliError `USAGE`, TrainError `DATA` */
export async function predictSeries(
  { model, data, label }: SeriesModel,
  request: PredictRequest,
  host: Host,
): Promise<Predictions> {
  const { delimiter, missing = "refuse" } = request;
  const { context, horizon, targets, levels } = data;
  const direct = isDirect(model, data, label);
  const table = await readTable(request.data, delimiter, host);
  const { seriesInput } = await import("@mamba/train/data");
  const all = seriesInput(table, data, missing);
  if (table.rows < context) throw usage(`${table.name}: the model reads ${context} rows, got ${table.rows}`);
  const input = all.slice(all.length - context * data.columns.length);
  const values = direct
    ? await forecastAtOnce(model, data, input)
    : await forecastRowByRow(model, data, input, host);
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

async function forecastAtOnce(
  model: SequenceModel,
  data: SeriesData,
  input: Float32Array,
): Promise<Float32Array> {
  const { predict } = await import("@mamba/train");
  const [all = new Float32Array()] = await predict(await seriesRegressor(model, data), [input]);
  const values = all.subarray(all.length - model.outputs); // a model with results for all positions ends with that of the last
  const { columns, targets, mean, std, relative, levels } = data;
  if (!relative) return values;
  const last = targets.map((target) => {
    const column = columns.indexOf(target);
    const value = input[input.length - columns.length + column] ?? NaN;
    return value * (std[column] ?? NaN) + (mean[column] ?? NaN);
  });
  const perTarget = levels?.length ?? 1;
  return values.map((value, i) => value + (last[Math.floor(i / perTarget) % targets.length] ?? NaN));
}

/** A model of the next row, which reads its own forecasts. */
async function forecastRowByRow(
  model: SequenceModel,
  data: SeriesData,
  input: Float32Array,
  { signal }: Host,
): Promise<Float32Array> {
  const { columns, targets, mean, std, horizon, levels, relative } = data;
  if (relative) throw usage("a model that forecasts row by row cannot be relative");
  if (columns.join("\n") !== targets.join("\n"))
    throw usage("a model that forecasts row by row must forecast all columns that it reads");
  const { forecast } = await import("@mamba/core");
  const values = await forecast(model, input, horizon, { levels, signal });
  const perColumn = levels?.length ?? 1;
  return values.map((value, i) => {
    const column = Math.floor(i / perColumn) % columns.length;
    return value * (std[column] ?? NaN) + (mean[column] ?? NaN);
  });
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
