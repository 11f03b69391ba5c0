import { didYouMean, type SeriesData } from "@mamba/core";
import type { ArrayExample } from "../arrayExample.ts";
import { TrainError } from "../errors.ts";
import type { CsvTable, MissingRule } from "./csv.ts";
import { checkWhole, dataError, quoted } from "./dataError.ts";
import type { OrderedSource } from "./splitSource.ts";

export interface SeriesOptions extends Pick<SeriesData, "columns" | "context" | "horizon"> {
  /** Default: all of `columns`. */
  readonly targets?: readonly string[] | undefined;
  /** Rows from the start of a window to the start of the next. Default 1. */
  readonly stride?: number | undefined;
  /** Default `"refuse"`. With `"ignore"`, an input without a number is the last one above it, or else the mean. */
  readonly missing?: MissingRule | undefined;
  /** Fraction of the rows, at the end, that are held out: 0 or more, below 1. Default 0.1. */
  readonly heldOut?: number | undefined;
  /** Default: that of the rows that are not held out. */
  readonly mean?: readonly number[] | undefined;
  /** Default: that of the rows that are not held out, the biased form; 1 for a constant column. */
  readonly std?: readonly number[] | undefined;
  /**
   * The positions with targets. `"last"`: after the last row of the context the next `horizon` rows, [horizon, T]. `"every"`:
   * after each row of the context the `horizon` rows that follow it, [context, horizon, T]. Default `"last"`.
   */
  readonly positions?: "last" | "every" | undefined;
  /**
   * Targets are differences from the last row that the model has read (Zeng et al. 2023, arXiv:2205.13504, NLinear), so that a model
   * of zeros forecasts that nothing changes. It helps where tomorrow is much as today. Default false.
   */
  readonly relative?: boolean | undefined;
}

/** Windows over a series, in the order of time. An example has the input [context, C] and numbers as its target. */
export type SeriesSource = OrderedSource<ArrayExample>;

/** The windows of a table. */
export interface SeriesWindows {
  /** Every window, also those that are neither in `train` nor in `heldOut` because they overlap with both. */
  readonly all: SeriesSource;
  /** The windows that lie in the rows that are not held out. */
  readonly train: SeriesSource;
  /** The windows that lie in the rows held out; undefined when `heldOut` is 0. */
  readonly heldOut: SeriesSource | undefined;
  readonly data: SeriesData;
}

/**
 * Cuts a table into windows of `context` rows to read and `horizon` rows to forecast. Inputs and targets are normalised column
 * by column, by the mean and the standard deviation of the rows that are not held out.
 *
 * @throws TrainError `CONFIG` (options); `DATA` when a column is missing or has cells that are no numbers, or there are fewer
 * rows than a window needs
 */
export function seriesWindows(table: CsvTable, options: SeriesOptions): SeriesWindows {
  const {
    columns,
    targets = columns,
    context,
    horizon,
    stride = 1,
    missing = "refuse",
    positions = "last",
  } = options;
  const { heldOut = 0.1, relative = false } = options;
  checkWhole("series", { context, horizon, stride });
  if (!(heldOut >= 0 && heldOut < 1)) {
    throw new TrainError(
      "CONFIG",
      `series: heldOut must be a number from 0 to below 1, got ${String(heldOut)}`,
    );
  }
  checkColumns(columns, targets);
  const values = columns.map((column) => table.numbers(column, missing));
  const held = Math.round(table.rows * heldOut);
  const trained = table.rows - held;
  const isScaled = options.mean !== undefined && options.std !== undefined;
  const statistics = (isScaled ? [] : values).map((column, i) =>
    statisticsOf(column.subarray(0, trained), table, columns[i] ?? ""),
  );
  const mean = checkNumbers("mean", options.mean ?? statistics.map((each) => each.mean), columns);
  const std = checkNumbers("std", options.std ?? statistics.map((each) => each.std), columns);
  const data: SeriesData = {
    ...{ kind: "series", columns, targets, mean, std, context, horizon },
    ...(relative && { relative }),
  };
  const rows = { inputs: normalise(values, data, "inputs"), targets: normalise(values, data, "targets") };

  const size = context + horizon;
  const options_ = `${columns.join(", ")} -> ${targets.join(", ")}, context ${context}, horizon ${horizon}`;
  const scale = `mean ${mean.join(" ")}, std ${std.join(" ")}`;
  const part = (name: string, first: number, end: number): SeriesSource => {
    if (end - first < size) {
      const needs = `a window of ${context} + ${horizon} rows needs ${size}`;
      throw dataError(
        `${table.name}, rows ${name}`,
        `expected at least ${size} rows (${needs})`,
        String(end - first),
      );
    }
    const count = Math.floor((end - first - size) / stride) + 1;
    return {
      id: `${table.name}, ${table.rows} rows, fingerprint ${table.fingerprint}, ${options_}, stride ${stride}, ${positions}${relative ? ", relative" : ""}, missing ${missing}, ${scale}, rows ${first} to ${end - 1}`,
      count,
      overlap: Math.ceil(size / stride) - 1,
      example(index) {
        if (!(index >= 0 && index < count))
          throw new TrainError("DATA", `${table.name}: there is no window ${index}`);
        return windowAt(rows, first + index * stride, data, positions);
      },
    };
  };
  return {
    all: part("in all", 0, table.rows),
    train: part("to train on", 0, trained),
    heldOut: held === 0 ? undefined : part("held out", trained, table.rows),
    data,
  };
}

/** The numbers of a table as a model of series reads them, [rows, C]: normalised, with a value in place of a missing one. */
export function seriesInput(
  table: CsvTable,
  data: SeriesData,
  missing: MissingRule = "refuse",
): Float32Array {
  const values = data.columns.map((column) => table.numbers(column, missing));
  return normalise(values, data, "inputs");
}

interface NormalisedRows {
  /** [rows, C] */
  readonly inputs: Float32Array;
  /** [rows, T] */
  readonly targets: Float32Array;
}

function windowAt(
  { inputs, targets }: NormalisedRows,
  first: number,
  { columns, targets: names, context, horizon, relative }: SeriesData,
  positions: "last" | "every",
): ArrayExample {
  const [width, outputs] = [columns.length, names.length];
  const input = inputs.slice(first * width, (first + context) * width);
  const places = names.map((name) => columns.indexOf(name));
  const rowsAfter = (row: number) => {
    const rows = targets.slice(row * outputs, (row + horizon) * outputs);
    if (!relative) return rows;
    const known = places.map((column) => inputs[(row - 1) * width + column] ?? NaN);
    return rows.map((value, k) => value - (known[k % outputs] ?? NaN));
  };
  if (positions === "last") return { input, target: rowsAfter(first + context) };
  const target = new Float32Array(context * horizon * outputs);
  for (let i = 0; i < context; i++) target.set(rowsAfter(first + i + 1), i * horizon * outputs);
  return { input, target };
}

/** @param use inputs have no missing numbers; of targets they stay NaN */
function normalise(
  values: readonly Float64Array[],
  data: SeriesData,
  use: "inputs" | "targets",
): Float32Array {
  const names = use === "inputs" ? data.columns : data.targets;
  const rows = values[0]?.length ?? 0;
  const result = new Float32Array(rows * names.length);
  names.forEach((name, k) => {
    const column = data.columns.indexOf(name);
    const [numbers = [], mean = 0, std = 1] = [values[column], data.mean[column], data.std[column]];
    let previous = 0;
    for (let row = 0; row < rows; row++) {
      const value = ((numbers[row] ?? NaN) - mean) / std;
      if (!Number.isNaN(value)) previous = value;
      result[row * names.length + k] = use === "inputs" ? previous : value;
    }
  });
  return result;
}

function statisticsOf(values: Float64Array, table: CsvTable, column: string): { mean: number; std: number } {
  const known = values.filter((value) => !Number.isNaN(value));
  if (known.length === 0)
    throw dataError(`${table.name}, column ${column}`, "expected numbers in the rows to train on", "none");
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
  // The rounded mean of a constant column differs from its number, so the deviation from it is not exactly 0.
  if (known.every((value) => value === known[0])) return { mean: known[0] ?? 0, std: 1 };
  const std = Math.sqrt(known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / known.length);
  return { mean, std: std > 0 ? std : 1 };
}

function checkColumns(columns: readonly string[], targets: readonly string[]): void {
  for (const [field, names] of Object.entries({ columns, targets })) {
    if (names.length === 0) throw new TrainError("CONFIG", `series: ${field} must name at least one column`);
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice !== undefined) throw new TrainError("CONFIG", `series: ${field} names ${quoted(twice)} twice`);
  }
  const other = targets.find((target) => !columns.includes(target));
  if (other === undefined) return;
  const hint =
    didYouMean(other, columns) || "; a target is one of the columns that the model reads: add it to them";
  throw new TrainError("CONFIG", `series: the target ${quoted(other)} is not among the columns${hint}`);
}

function checkNumbers(
  field: string,
  values: readonly number[],
  columns: readonly string[],
): readonly number[] {
  const isValid = values.every((value) => Number.isFinite(value) && (field === "mean" || value > 0));
  if (isValid && values.length === columns.length) return values;
  const rule = `${columns.length} finite numbers${field === "std" ? " above 0" : ""}, one for each column`;
  throw new TrainError("CONFIG", `series: ${field} must be ${rule}, got ${values.join(", ")}`);
}
