import type { CsvOptions, MissingRule } from "@mamba/train/data";
import { type BackendChoice, openBackend } from "../backends/openBackend.ts";
import type { ModelChoice } from "../checkpoints/loadModel.ts";
import { usage } from "../program/errors.ts";
import { note, print, type Host } from "../program/host.ts";
import { checkOutputFile } from "../program/namedFiles.ts";
import { writeAtomically } from "../program/writeAtomically.ts";
import { csvOf } from "./csvOf.ts";
import { loadArrayModel } from "./loadArrayModel.ts";
import { predictImages } from "./predictImages.ts";
import { predictSeries } from "./predictSeries.ts";

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
export interface Predictions {
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
  else {
    await writeAtomically(out, text);
    note(host, `wrote ${out}`);
  }
}
