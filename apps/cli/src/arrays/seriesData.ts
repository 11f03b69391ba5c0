import type { SeriesData } from "@mamba/core";
import type { ArrayExample, ExampleSource } from "@mamba/train";
import type { FiniteSource, SeriesWindows } from "@mamba/train/data";
import type { Host } from "../program/host.ts";
import { readStdin } from "./readStdin.ts";
import type { SeriesRecipe } from "./arrayRecipe.ts";

/** Reads a table from a file, or from stdin for "-". @throws TrainError `DATA` */
export async function readTable(path: string, delimiter: SeriesRecipe["delimiter"], host: Host) {
  const { csvFile, csvBytes } = await import("@mamba/train/node");
  if (path !== "-") return csvFile(path, { delimiter });
  return csvBytes(await readStdin(host), "stdin", { delimiter });
}

/** The windows of a recipe: after each row of the context the model forecasts the rows that follow. */
export async function openSeries(
  recipe: Omit<SeriesRecipe, "levels" | "loss">,
  scale: Partial<Pick<SeriesData, "mean" | "std">>,
  host: Host,
): Promise<SeriesWindows> {
  const { path, delimiter, ...options } = recipe;
  const { seriesWindows } = await import("@mamba/train/data");
  return seriesWindows(await readTable(path, delimiter, host), { ...options, ...scale, positions: "every" });
}

/** A source whose targets count at the last position alone, after the whole context. */
export function lastPositionOnly(
  source: FiniteSource<ArrayExample>,
  { context }: Pick<SeriesData, "context">,
): FiniteSource<ArrayExample> {
  return {
    id: `${source.id}, the last position alone`,
    count: source.count,
    async example(index) {
      const { input, target } = await source.example(index);
      if (!(target instanceof Float32Array)) throw new TypeError("windows have targets in f32");
      const width = target.length / context;
      const last = new Float32Array(target.length).fill(NaN);
      last.set(target.subarray(target.length - width), target.length - width);
      return { input, target: last };
    },
  };
}

/** Mean absolute errors of the forecast that nothing changes, in the units of the table: one for each row and target. */
export async function persistenceErrors(
  source: ExampleSource<ArrayExample> & { readonly count: number },
  { columns, targets, std, context, horizon, relative }: SeriesData,
): Promise<{ mae: number[]; rmse: number[] }> {
  const width = horizon * targets.length;
  const [absolute, squared, counts] = [
    new Float64Array(width),
    new Float64Array(width),
    new Float64Array(width),
  ];
  for (let index = 0; index < source.count; index++) {
    const { input, target } = await source.example(index);
    const values = typeof target === "number" ? [target] : target.subarray(target.length - width);
    values.forEach((value, i) => {
      const column = columns.indexOf(targets[i % targets.length] ?? "");
      const last = relative ? 0 : (input[(context - 1) * columns.length + column] ?? NaN);
      const error = (value - last) * (std[column] ?? NaN);
      if (Number.isNaN(error)) return;
      absolute[i] = (absolute[i] ?? 0) + Math.abs(error);
      squared[i] = (squared[i] ?? 0) + error * error;
      counts[i] = (counts[i] ?? 0) + 1;
    });
  }
  return {
    mae: Array.from(absolute, (sum, i) => sum / (counts[i] ?? 0)),
    rmse: Array.from(squared, (sum, i) => Math.sqrt(sum / (counts[i] ?? 0))),
  };
}
