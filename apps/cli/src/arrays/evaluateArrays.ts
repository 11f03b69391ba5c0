import { formatSeconds } from "@mamba/display";
import { type BackendChoice, openBackend } from "../backends/openBackend.ts";
import type { ModelChoice } from "../checkpoints/loadModel.ts";
import type { ArrayTask } from "../data/tasks.ts";
import { usage } from "../program/errors.ts";
import { print, printJson, type Host } from "../program/host.ts";
import { evaluateImages } from "./evaluateImages.ts";
import { evaluateSeries } from "./evaluateSeries.ts";
import { loadArrayModel } from "./loadArrayModel.ts";
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

/** The metrics of an evaluation, as JSON and as text for people. */
export interface Evaluated {
  readonly json: { readonly examples: number; readonly loss: number };
  readonly text: string;
}

/** A request with its data. */
export type EvalData = EvalArraysRequest & { readonly data: string };

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
