import type { Ngram } from "@mamba/tasks";
import type { LanguageModelEvaluation } from "@mamba/train";
import { formatSeconds, table } from "@mamba/display";
import type { WeightDType } from "@mamba/kernel";
import { type BackendChoice, openBackend } from "../backends/openBackend.ts";
import { attachAdapter } from "../checkpoints/attachAdapter.ts";
import { loadModel, type ModelChoice } from "../checkpoints/loadModel.ts";
import { hasBytes, openSource } from "../data/openSource.ts";
import type { LanguageTask } from "../data/tasks.ts";
import { readerOf } from "../data/tokenizer.ts";
import { usage } from "../program/errors.ts";
import { print, printJson, type Host } from "../program/host.ts";
import { progress } from "../program/progress.ts";
import { countBaseline, evaluateBaseline } from "./baseline.ts";

/** One evaluation of the command line. */
export interface EvalRequest extends BackendChoice, ModelChoice {
  readonly task: LanguageTask;
  readonly adapter?: string | undefined;
  /** Undefined: as the checkpoint stores them. */
  readonly dtype?: WeightDType | undefined;
  readonly data?: string | undefined;
  readonly length: readonly number[];
  readonly tokens?: number | undefined;
  readonly pairs?: number | undefined;
  readonly examples?: number | undefined;
  readonly batchSize: number;
  readonly segmentLength: number;
  readonly seed: number;
  readonly baseline?: "ngram" | undefined;
  readonly baselineOrder?: number | undefined;
  readonly baselineData?: string | undefined;
  readonly baselineExamples?: number | undefined;
  readonly baselineSeed: number;
  /** The file of a chat template, for "chat". */
  readonly template?: string | undefined;
  readonly json?: true | undefined;
}

/** An evaluation at one length of the examples. */
interface Row extends LanguageModelEvaluation {
  readonly length: number;
  readonly seconds: number;
  /** On the same examples. */
  readonly baseline?: LanguageModelEvaluation & { readonly seconds: number };
}

/** Evaluates a model at one length after the other, and prints the results. */
export async function evaluateModel(request: EvalRequest, host: Host): Promise<void> {
  checkBaseline(request);
  if (request.template !== undefined && request.task !== "chat") throw usage("--template is for chat");
  const { task, batchSize, segmentLength, seed } = request;
  const { evaluate, languageModel } = await import("@mamba/train");
  await using kernel = await openBackend(request, host);
  const loaded = await loadModel(kernel, request, request.dtype, host);
  using model = loaded.model;
  using _adapter = await attachAdapter(model, request.model, request.adapter, host);
  const { vocabSize } = model.config;
  const reader = readerOf(loaded);
  // A generator's special tokens are the last ones of the vocabulary, so it must have the model's size.
  const ownSize = hasBytes(task, reader.tokenizer) ? undefined : vocabSize;
  const recipe = {
    task,
    tokens: request.tokens,
    pairs: request.pairs,
    vocabSize: ownSize,
    template: request.template,
  };
  const rows: Row[] = [];
  let ngram: Ngram | undefined;
  if (request.baseline !== undefined) {
    const [length = 0] = request.length;
    const training = { ...recipe, length, path: request.baselineData, seed: request.baselineSeed };
    await using source = await openSource(training, reader, host);
    const counted = { order: request.baselineOrder, examples: request.baselineExamples };
    ngram = await countBaseline(source, counted, host);
  }
  for (const length of request.length) {
    await using source = await openSource({ ...recipe, length, path: request.data, seed }, reader, host);
    const examples = request.examples ?? Math.min(source.count ?? Infinity, 64);
    const total = examples * length; // the true count is a little larger, which a bar does not show
    using bar = progress(host, `length ${length}`, String);
    const start = performance.now();
    const found = await evaluate(languageModel(model), source, {
      examples,
      batchSize,
      segmentLength,
      signal: host.signal,
      onProgress: (done) => bar.update(done, Math.max(done, total)),
    });
    const seconds = (performance.now() - start) / 1000;
    const baseline = ngram && (await evaluateBaseline(ngram, source, examples, host));
    rows.push({ length, ...found, seconds, ...(baseline && { baseline }) });
  }
  const order = ngram?.order;
  if (!request.json) {
    await print(host, describe(rows, order));
    return;
  }
  await printJson(host, {
    model: loaded.label,
    backend: { name: kernel.name, device: kernel.capabilities.device },
    task,
    baselineOrder: order,
    results: rows,
    kernelBytes: kernel.memory().bytes,
  });
}

function checkBaseline({ task, data, baseline, baselineData }: EvalRequest): void {
  const isFile = data !== undefined;
  if (baseline === undefined || isFile === (baselineData !== undefined)) return;
  throw usage(
    isFile
      ? "--baseline needs --baseline-data <file>"
      : `${task} generates its own data: leave --baseline-data out`,
  );
}

/** A line for each length, and below it the baseline's. */
function describe(rows: readonly Row[], order: number | undefined): string {
  const head = ["length", "examples", "targets", "loss", "perplexity", "accuracy", "time"];
  const line = (length: number, found: Omit<Row, "length" | "baseline">) => [
    String(length),
    String(found.examples),
    String(found.targets),
    found.loss.toFixed(4),
    found.perplexity.toPrecision(5),
    `${(100 * found.accuracy).toFixed(2)} %`,
    formatSeconds(found.seconds),
  ];
  const lines = rows.flatMap(({ length, baseline, ...row }) => [
    [...(baseline ? ["model"] : []), ...line(length, row)],
    ...(baseline ? [[`${order ?? 0}-gram`, ...line(length, baseline)]] : []),
  ]);
  const named = order === undefined ? head : ["", ...head];
  const right = named.flatMap((name, column) => (name === "" ? [] : [column]));
  return `${table([named, ...lines], right)}\n`;
}
