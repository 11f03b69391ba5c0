import type { Ngram } from "@mamba/tasks";
import type { Evaluation } from "@mamba/train";
import { adapterFlag, attachAdapter } from "../adapter.ts";
import { readNumber, usage } from "../args.ts";
import { backendFlags, openBackend } from "../backend.ts";
import { command } from "../command.ts";
import { formatSeconds, table } from "../format.ts";
import { print, printJson } from "../host.ts";
import { loadModel } from "../model.ts";
import { progress } from "../progress.ts";
import { baselines, countBaseline, judgeBaseline } from "../train/baseline.ts";
import { hasBytes, openSource, tasks } from "../train/data.ts";
import { parseLengths } from "../train/lengths.ts";
import { tokenizerOf } from "../train/tokenizer.ts";

/** An evaluation at one length of the examples. */
interface Row extends Evaluation {
  readonly length: number;
  readonly seconds: number;
  /** Of the same examples. */
  readonly baseline?: Evaluation & { readonly seconds: number };
}

export default command({
  name: "eval",
  description: "Loss, perplexity and accuracy of a model, at one length or many, in constant memory",
  args: {
    task: { type: "positional", required: true, description: tasks.join(", ") },
    model: { type: "string", alias: "m", valueHint: "folder", required: true, description: "Checkpoint" },
    ...adapterFlag,
    data: {
      type: "string",
      valueHint: "file",
      description: "Of text (through the model's tokenizer) or tokens (lines of JSON arrays)",
    },
    length: {
      type: "string",
      default: "256",
      description: "Positions per example: 256 or 256,1000 or 64..1048576",
    },
    tokens: { type: "string", valueHint: "count", description: "Of selective-copying: how many are copied" },
    examples: {
      type: "string",
      valueHint: "count",
      description: "Default: 64, or all that a file has if fewer",
    },
    "batch-size": {
      type: "string",
      valueHint: "count",
      default: "8",
      description: "Examples that go together",
    },
    "segment-length": {
      type: "string",
      valueHint: "count",
      default: "2048",
      description: "Positions per pass",
    },
    seed: {
      type: "string",
      valueHint: "number",
      default: "1",
      description: "Of generated examples; training has 0",
    },
    baseline: {
      type: "enum",
      options: baselines,
      description: "Judge this beside the model: ngram counts (Kneser-Ney smoothing)",
    },
    "baseline-order": { type: "string", valueHint: "count", description: "Symbols of an n-gram; default 6" },
    "baseline-data": { type: "string", valueHint: "file", description: "What it counts: the training file" },
    "baseline-examples": {
      type: "string",
      valueHint: "count",
      description: "How many of the training examples it counts; default 4096, or all of the file",
    },
    "baseline-seed": {
      type: "string",
      valueHint: "number",
      default: "0",
      description: "Of generated examples that it counts: that of the training",
    },
    json: { type: "boolean", description: "Print JSON" },
    ...backendFlags,
  },
  async run(values, host) {
    const whole = (flag: "batch-size" | "segment-length", text: string) =>
      readNumber(flag, text, { whole: true, min: 1 });
    const task = tasks.find((name) => name === values.task);
    if (!task) throw usage(`<task> must be ${tasks.join(", ")}, got ${JSON.stringify(values.task)}`);
    const lengths = parseLengths(values.length);
    const asked = readNumber("examples", values.examples, { whole: true, min: 1 });
    const tokens = readNumber("tokens", values.tokens, { whole: true, min: 1 });
    const batchSize = whole("batch-size", values["batch-size"]);
    const segmentLength = whole("segment-length", values["segment-length"]);
    const seed = readNumber("seed", values.seed, { whole: true });
    const threads = readNumber("threads", values.threads, { whole: true, min: 1 });

    const baselineSeed = readNumber("baseline-seed", values["baseline-seed"], { whole: true });
    const counted = {
      order: readNumber("baseline-order", values["baseline-order"], { whole: true, min: 1, max: 16 }),
      examples: readNumber("baseline-examples", values["baseline-examples"], { whole: true, min: 1 }),
    };
    const isFile = values.data !== undefined;
    if (values.baseline !== undefined && isFile !== (values["baseline-data"] !== undefined)) {
      throw usage(
        isFile
          ? `--baseline needs --baseline-data <file>`
          : `${task} makes its own data: leave --baseline-data out`,
      );
    }

    const { evaluate } = await import("@mamba/train");
    await using kernel = await openBackend(values.backend, threads, host);
    const loaded = await loadModel(kernel, values.model, undefined, host);
    using model = loaded.model;
    using _adapter = await attachAdapter(model, values.model, values.adapter, host);
    const { vocabSize } = model.config;
    const reader = { vocabSize, tokenizer: tokenizerOf(loaded) };
    // A generator's special tokens are the last of the vocabulary: that of the model.
    const recipe = { task, tokens, vocabSize: hasBytes(task, reader.tokenizer) ? undefined : vocabSize };
    const rows: Row[] = [];
    let ngram: Ngram | undefined;
    if (values.baseline !== undefined) {
      const [length = 0] = lengths;
      const training = { ...recipe, length, path: values["baseline-data"], seed: baselineSeed };
      await using source = await openSource(training, reader, host);
      ngram = await countBaseline(source, counted, host);
    }
    for (const length of lengths) {
      await using source = await openSource({ ...recipe, length, path: values.data, seed }, reader, host);
      const examples = asked ?? Math.min(source.count ?? Infinity, 64);
      const total = examples * length; // the few positions beyond it do not matter to a bar
      using bar = progress(host, `length ${length}`, String);
      const start = performance.now();
      const found = await evaluate(model, source, {
        examples,
        batchSize,
        segmentLength,
        signal: host.signal,
        onProgress: (done) => bar.update(done, Math.max(done, total)),
      });
      const seconds = (performance.now() - start) / 1000;
      const baseline = ngram && (await judgeBaseline(ngram, source, examples, host));
      rows.push({ length, ...found, seconds, ...(baseline && { baseline }) });
    }
    const backend = { name: kernel.name, device: kernel.capabilities.device };
    const kernelBytes = kernel.memory().bytes;
    const order = ngram?.order;
    if (values.json) {
      await printJson(host, {
        model: loaded.label,
        backend,
        task,
        baselineOrder: order,
        results: rows,
        kernelBytes,
      });
    } else await print(host, describe(rows, order));
  },
});

/** A line for each length, and below it the baseline's. */
function describe(rows: readonly Row[], order: number | undefined): string {
  const head = ["length", "examples", "targets", "loss", "perplexity", "accuracy", "time"];
  const line = (length: number, of: Omit<Row, "length" | "baseline">) => [
    String(length),
    String(of.examples),
    String(of.targets),
    of.loss.toFixed(4),
    of.perplexity.toPrecision(5),
    `${(100 * of.accuracy).toFixed(2)} %`,
    formatSeconds(of.seconds),
  ];
  const lines = rows.flatMap(({ length, baseline, ...row }) => [
    [...(baseline ? ["model"] : []), ...line(length, row)],
    ...(baseline ? [[`${order ?? 0}-gram`, ...line(length, baseline)]] : []),
  ]);
  const named = order === undefined ? head : ["", ...head];
  return `${table(
    [named, ...lines],
    named.flatMap((name, column) => (name === "" ? [] : [column])),
  )}\n`;
}
