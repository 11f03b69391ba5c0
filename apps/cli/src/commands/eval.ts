import type { Evaluation } from "@mamba/train";
import { readNumber, usage } from "../args.ts";
import { backendFlags, openBackend } from "../backend.ts";
import { command } from "../command.ts";
import { formatSeconds, table } from "../format.ts";
import { print, printJson } from "../host.ts";
import { loadModel } from "../model.ts";
import { progress } from "../progress.ts";
import { hasBytes, openSource, tasks } from "../train/data.ts";
import { parseLengths } from "../train/lengths.ts";

/** An evaluation at one length of the examples. */
interface Row extends Evaluation {
  readonly length: number;
  readonly seconds: number;
}

export default command({
  name: "eval",
  description: "Loss, perplexity and accuracy of a model, at one length or many, in constant memory",
  args: {
    task: { type: "positional", required: true, description: tasks.join(", ") },
    model: { type: "string", alias: "m", valueHint: "folder", required: true, description: "Checkpoint" },
    data: {
      type: "string",
      valueHint: "file",
      description: "Of text (bytes) or tokens (lines of JSON arrays)",
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

    const { evaluate } = await import("@mamba/train");
    await using kernel = await openBackend(values.backend, threads);
    const { model, label } = await loadModel(kernel, values.model, undefined, host);
    using _ = model;
    const { vocabSize } = model.config;
    const rows: Row[] = [];
    for (const length of lengths) {
      // A generator's special tokens are the last of the vocabulary: that of the model.
      const recipe = {
        task,
        path: values.data,
        length,
        tokens,
        seed,
        vocabSize: hasBytes(task) ? undefined : vocabSize,
      };
      await using source = await openSource(recipe, undefined);
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
      rows.push({ length, ...found, seconds: (performance.now() - start) / 1000 });
    }
    const backend = { name: kernel.name, device: kernel.capabilities.device };
    const kernelBytes = kernel.memory().bytes;
    if (values.json) await printJson(host, { model: label, backend, task, results: rows, kernelBytes });
    else await print(host, describe(rows));
  },
});

function describe(rows: readonly Row[]): string {
  const head = ["length", "examples", "targets", "loss", "perplexity", "accuracy", "time"];
  const cells = rows.map(({ length, examples, targets, loss, perplexity, accuracy, seconds }) => [
    String(length),
    String(examples),
    String(targets),
    loss.toFixed(4),
    perplexity.toPrecision(5),
    `${(100 * accuracy).toFixed(2)} %`,
    formatSeconds(seconds),
  ]);
  return `${table([head, ...cells], [0, 1, 2, 3, 4, 5, 6])}\n`;
}
