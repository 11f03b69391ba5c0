import { formatSeconds, table } from "@mamba/display";
import type { ImagesData, SequenceModel, SeriesData, VisionMamba } from "@mamba/core";
import { type BackendChoice, openBackend } from "../backends/openBackend.ts";
import type { ModelChoice } from "../checkpoints/loadModel.ts";
import type { ArrayTask } from "../data/tasks.ts";
import { usage } from "../program/errors.ts";
import { print, printJson, type Host } from "../program/host.ts";
import { progress } from "../program/progress.ts";
import { loadArrayModel } from "./loadArrayModel.ts";
import { openImages } from "./imagesData.ts";
import { isDirect, lastPositionOnly, openSeries, persistenceErrors, seriesRegressor } from "./seriesData.ts";
import type { CsvOptions, MissingRule } from "@mamba/train/data";

export interface EvalArraysRequest extends BackendChoice, ModelChoice {
  readonly task: ArrayTask;
  readonly data?: string | undefined;
  readonly labels?: string | undefined;
  readonly delimiter?: CsvOptions["delimiter"];
  readonly missing?: MissingRule | undefined;
  /** The fraction that training held out: only those examples are evaluated. Default: all. */
  readonly heldOut?: number | undefined;
  readonly seed: number;
  readonly examples?: number | undefined;
  readonly batchSize: number;
  readonly json?: true | undefined;
}

/** Evaluates a model of arrays, and prints its metrics. */
export async function evaluateArrays(request: EvalArraysRequest, host: Host): Promise<void> {
  const { task, data: path } = request;
  if (path === undefined) throw usage(`${task} needs --data <${task === "series" ? "file" : "folder"}>`);
  await using kernel = await openBackend(request, host);
  const loaded = await loadArrayModel(kernel, request, host);
  using _model = loaded.model;
  const start = performance.now();
  const found =
    task === "series"
      ? await evaluateSeries(loaded.series(), { ...request, data: path }, host)
      : await evaluateImages(loaded.images(), { ...request, data: path }, host);
  const seconds = (performance.now() - start) / 1000;
  if (request.json) {
    await printJson(host, {
      model: loaded.label,
      backend: { name: kernel.name, device: kernel.capabilities.device },
      task,
      seconds,
      ...found.json,
      kernelBytes: kernel.memory().bytes,
    });
    return;
  }
  await print(host, `${found.text}${found.json.examples} examples in ${formatSeconds(seconds)}\n`);
}

interface Found {
  readonly json: { readonly examples: number; readonly loss: number };
  readonly text: string;
}

type Request = EvalArraysRequest & { readonly data: string };

async function evaluateSeries(
  {
    model,
    data,
    label,
  }: { readonly model: SequenceModel; readonly data: SeriesData; readonly label: string },
  { data: path, heldOut = 0, missing = "refuse", delimiter, examples, batchSize }: Request,
  host: Host,
): Promise<Found> {
  if (!isDirect(model, data, label))
    throw usage("a model that forecasts row by row is not evaluated here; see predict");
  const { evaluate } = await import("@mamba/train");
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
  const trainable = await seriesRegressor(model, data);
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
    } as Found["json"],
    text: `${table([head, ...lines], [1, 2, 3, 4])}\n${quantiles}\nloss ${loss.toFixed(4)}, over rows 1 to ${data.horizon} after the context\n`,
  };
}

async function evaluateImages(
  { model, data }: { readonly model: VisionMamba; readonly data: ImagesData },
  { data: path, labels, heldOut = 0, seed, examples, batchSize }: Request,
  host: Host,
): Promise<Found> {
  const { classifier, evaluate } = await import("@mamba/train");
  const { splitSource } = await import("@mamba/train/data");
  const all = await openImages({ path, labels }, data);
  const source = heldOut === 0 ? all : splitSource(all, { heldOut, seed }).heldOut;
  using bar = progress(host, "evaluating", String);
  const total = examples ?? source.count;
  const found = await evaluate(classifier(model), source, {
    ...{ examples, batchSize, signal: host.signal },
    onProgress: (done) => bar.update(done, Math.max(done, total)),
  });
  const { loss, accuracy, macroF1, targets, classes } = found;
  const results = classes.map((score, i) => ({ label: data.labels[i] ?? String(i), ...score }));
  const percent = (value: number) => `${(100 * value).toFixed(2)} %`;
  const lines = results.map((each) => [
    each.label,
    String(each.targets),
    ...[each.precision, each.recall, each.f1].map(percent),
  ]);
  const head = ["class", "images", "precision", "recall", "F1"];
  return {
    json: { examples: found.examples, targets, loss, accuracy, macroF1, results } as Found["json"],
    text: `${table([head, ...lines], [1, 2, 3, 4])}\n\naccuracy ${percent(accuracy)}, macro F1 ${percent(macroF1)}, loss ${loss.toFixed(4)}\n`,
  };
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function rootMeanSquare(values: readonly number[]): number {
  return Math.sqrt(meanOf(values.map((value) => value * value)));
}
