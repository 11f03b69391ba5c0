import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { ImagesData, SequenceModel, SeriesData, VisionMamba } from "@mamba/core";
import type { CsvOptions, CsvTable, MissingRule, Pixels } from "@mamba/train/data";
import { type BackendChoice, openBackend } from "../backends/openBackend.ts";
import type { ModelChoice } from "../checkpoints/loadModel.ts";
import { usage } from "../program/errors.ts";
import { note, print, type Host } from "../program/host.ts";
import { checkOutputFile } from "../program/namedFiles.ts";
import { writeAtomically } from "../program/writeAtomically.ts";
import { continueTimes } from "./continueTimes.ts";
import { csvOf } from "./csvOf.ts";
import { isFolder } from "./imagesData.ts";
import { loadArrayModel } from "./loadArrayModel.ts";
import { readStdin } from "./readStdin.ts";
import { isDirect, readTable, seriesRegressor } from "./seriesData.ts";

export interface PredictRequest extends BackendChoice, ModelChoice {
  /** A CSV file, an image, a folder of images, an IDX file, or "-" for stdin. */
  readonly data: string;
  /** A file that ends in .csv or .json. Default: stdout. */
  readonly out?: string | undefined;
  readonly json?: true | undefined;
  readonly delimiter?: CsvOptions["delimiter"];
  readonly missing?: MissingRule | undefined;
  readonly batchSize: number;
}

/** Rows of text and numbers, under a head. */
interface Predictions {
  readonly head: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
  /** The same for a program. */
  readonly json: unknown;
}

/** Predicts with a model of arrays: the next rows of a table, or the classes of images. */
export async function predictArrays(request: PredictRequest, host: Host): Promise<void> {
  const { out, json } = request;
  if (out !== undefined && !/\.(csv|json)$/i.test(out))
    throw usage(`--out must end in .csv or .json, got ${JSON.stringify(out)}`);
  if (out !== undefined) await checkOutputFile("--out", out);
  const isJson = json === true || /\.json$/i.test(out ?? "");
  if (json && /\.csv$/i.test(out ?? ""))
    throw usage("--json and an --out that ends in .csv exclude each other");
  await using kernel = await openBackend(request, host);
  const loaded = await loadArrayModel(kernel, request, host);
  using _model = loaded.model;
  const found =
    loaded.data.kind === "series"
      ? await predictSeries(loaded.series(), request, host)
      : await predictImages(loaded.images(), request, host);
  const text = isJson ? `${JSON.stringify(found.json, undefined, 2)}\n` : csvOf([found.head, ...found.rows]);
  if (out === undefined) await print(host, text);
  else await writeAtomically(out, text);
}

async function predictSeries(
  {
    model,
    data,
    label,
  }: { readonly model: SequenceModel; readonly data: SeriesData; readonly label: string },
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
    times.cells[h] ?? String(h + 1),
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
  return all.subarray(all.length - model.outputs); // a model with results for all positions ends with that of the last
}

/** A model of the next row, which reads its own forecasts. */
async function forecastRowByRow(
  model: SequenceModel,
  data: SeriesData,
  input: Float32Array,
  { signal }: Host,
): Promise<Float32Array> {
  const { columns, targets, mean, std, horizon, levels } = data;
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
  { columns, horizon }: SeriesData,
  host: Host,
): { name: string; cells: readonly string[] } {
  const [first = ""] = table.columns;
  if (columns.includes(first)) return { name: "step", cells: [] };
  const cells = continueTimes(table.text(first), horizon);
  if (cells) return { name: first, cells };
  note(host, `note: the rows are numbered, because the column ${first} has no times at a regular interval`);
  return { name: "step", cells: [] };
}

/** Seven digits, which is what f32 holds. */
function rounded(value: number): number {
  return Number(value.toPrecision(7));
}

async function predictImages(
  { model, data }: { readonly model: VisionMamba; readonly data: ImagesData },
  request: PredictRequest,
  host: Host,
): Promise<Predictions> {
  const { classifier, predict } = await import("@mamba/train");
  const { imageInput } = await import("@mamba/train/data");
  const results: {
    file: string;
    label: string;
    probability: number;
    probabilities: Record<string, number>;
  }[] = [];
  const trainable = classifier(model);
  let batch: { name: string; input: Float32Array }[] = [];
  const flush = async () => {
    const found = await predict(
      trainable,
      batch.map(({ input }) => input),
      { signal: host.signal },
    );
    found.forEach((probabilities, i) => {
      const best = probabilities.indexOf(Math.max(...probabilities));
      const all = Object.fromEntries(data.labels.map((name, c) => [name, rounded(probabilities[c] ?? NaN)]));
      const probability = rounded(probabilities[best] ?? NaN);
      results.push({
        file: batch[i]?.name ?? "",
        label: data.labels[best] ?? "",
        probability,
        probabilities: all,
      });
    });
    batch = [];
  };
  for await (const { name, pixels } of picturesOf(request.data, host)) {
    batch.push({ name, input: imageInput(pixels, data) });
    if (batch.length === request.batchSize) await flush();
  }
  if (batch.length > 0) await flush();
  return {
    head: ["file", "label", "probability"],
    rows: results.map(({ file, label, probability }) => [file, label, probability]),
    json: results,
  };
}

interface Picture {
  readonly name: string;
  readonly pixels: Pixels;
}

/** The pictures of stdin, a file, a folder, a folder of folders, or an IDX file. */
async function* picturesOf(path: string, host: Host): AsyncGenerator<Picture, void, undefined> {
  const { decodeImage } = await import("@mamba/train/data");
  if (path === "-") {
    yield { name: "stdin", pixels: await decodeImage(await readStdin(host), "stdin") };
    return;
  }
  const { idxFile, imagesIn, imageFile } = await import("@mamba/train/node");
  if (await isFolder(path)) {
    const entries = await readdir(path, { withFileTypes: true });
    const folders = entries
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
      .map(({ name }) => join(path, name));
    for (const folder of folders.length > 0 ? folders.sort() : [path]) {
      for (const file of await imagesIn(folder)) yield { name: file, pixels: await imageFile(file) };
    }
    return;
  }
  if (/\.(png|jpe?g)$/i.test(path)) {
    yield { name: path, pixels: await imageFile(path) };
    return;
  }
  const { name, shape, data } = await idxFile(path);
  const [count = 0, height = 0, width = 0, channels = 1] = shape;
  if (!(data instanceof Uint8Array) || shape.length < 3)
    throw usage(`${name}: expected images of bytes, [N, H, W] or [N, H, W, 3]`);
  const size = height * width * channels;
  for (let i = 0; i < count; i++) {
    yield {
      name: `${name}#${i}`,
      pixels: { height, width, channels, data: data.subarray(i * size, (i + 1) * size) },
    };
  }
}
