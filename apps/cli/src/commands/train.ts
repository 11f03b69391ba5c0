import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  LoraAdapter,
  MambaLM,
  type MambaLMConfig,
  type MambaLMConfigInput,
  resolveLMConfig,
} from "@mamba/core";
import { Scope } from "@mamba/kernel";
import { readNumber, usage } from "../args.ts";
import { backendFlags, openBackend } from "../backend.ts";
import { command } from "../command.ts";
import { CliError } from "../errors.ts";
import { note } from "../host.ts";
import { loadModel } from "../model.ts";
import { openSource, type Task, tasks } from "../train/data.ts";
import { openHeldOut } from "../train/held-out.ts";
import { showCurves, train } from "../train/loop.ts";
import { loraFlags, readLora } from "../train/lora.ts";
import { mergeRecipe, parseRecipe, type Recipe, type RecipePart } from "../train/recipe.ts";
import { readTokenizer, tokenizerOf } from "../train/tokenizer.ts";

const schedules = ["constant", "linear", "cosine"] as const;

export default command({
  name: "train",
  description: "Train a model, from scratch or from a checkpoint, in a folder that a killed run goes on from",
  args: {
    task: { type: "positional", required: false, description: `${tasks.join(", ")}; or in the config file` },
    out: {
      type: "string",
      valueHint: "folder",
      required: true,
      description: "State, log and the trained model",
    },
    config: { type: "string", valueHint: "file", description: "JSON: task, data, model, training, seed" },
    data: {
      type: "string",
      valueHint: "file",
      description: "Of text (bytes, or through a tokenizer) or tokens (lines of JSON arrays)",
    },
    tokenizer: {
      type: "string",
      valueHint: "folder",
      description: "With tokenizer.json: text for a new model goes through it",
    },
    model: {
      type: "string",
      valueHint: "folder",
      description: "Go on from this checkpoint; default: a new model",
    },
    ...loraFlags,
    resume: { type: "boolean", description: "Go on with the run that is in the folder" },
    steps: { type: "string", valueHint: "count", description: "Optimizer steps" },
    length: { type: "string", valueHint: "count", description: "Positions per example" },
    tokens: { type: "string", valueHint: "count", description: "Of selective-copying: how many are copied" },
    "vocab-size": {
      type: "string",
      valueHint: "count",
      description: "Of the data; for tokens from a new model",
    },
    "batch-size": { type: "string", valueHint: "count", description: "Examples that go through together" },
    accumulation: { type: "string", valueHint: "count", description: "Batches per step" },
    "segment-length": { type: "string", valueHint: "count", description: "Truncate backpropagation to this" },
    lr: { type: "string", valueHint: "rate", description: "Largest learning rate" },
    schedule: { type: "enum", options: schedules, description: "How the rate falls" },
    "warmup-steps": { type: "string", valueHint: "count", description: "Steps in which the rate rises" },
    "weight-decay": { type: "string", valueHint: "rate", description: "Of matrices" },
    "d-model": { type: "string", valueHint: "count", description: "Width of a new model" },
    layers: { type: "string", valueHint: "count", description: "Layers of a new model" },
    seed: { type: "string", valueHint: "number", description: "Of weights, data and order; default 0" },
    "eval-every": { type: "string", valueHint: "steps", description: "Judge held-out examples this often" },
    "eval-data": {
      type: "string",
      valueHint: "file",
      description: "Held-out text or tokens; generated tasks take those of the next seed",
    },
    "eval-examples": {
      type: "string",
      valueHint: "count",
      description: "Held-out examples; default 64, or all that a file has if fewer",
    },
    "save-every": { type: "string", valueHint: "steps", default: "100", description: "Between saved states" },
    ...backendFlags,
  },
  async run(values, host) {
    const whole = (flag: NumericFlag, min = 1) => readNumber(flag, values[flag], { whole: true, min });
    const task = values.task;
    if (task !== undefined && !tasks.includes(task as Task)) {
      throw usage(`<task> must be ${tasks.join(", ")}, got ${JSON.stringify(task)}`);
    }
    const flags: RecipePart = {
      task: task as Task | undefined,
      data: {
        path: values.data,
        length: whole("length"),
        tokens: whole("tokens"),
        vocabSize: whole("vocab-size"),
      },
      model: { dModel: whole("d-model"), nLayers: whole("layers") },
      training: {
        steps: whole("steps"),
        batchSize: whole("batch-size"),
        accumulation: whole("accumulation"),
        segmentLength: whole("segment-length"),
        lr: readNumber("lr", values.lr, { min: 0 }),
        schedule: values.schedule,
        warmupSteps: whole("warmup-steps", 0),
        weightDecay: readNumber("weight-decay", values["weight-decay"], { min: 0 }),
      },
      seed: whole("seed", -(2 ** 31)),
    };
    const saveEvery = readNumber("save-every", values["save-every"], { whole: true, min: 1 });
    const judged = {
      every: whole("eval-every"),
      path: values["eval-data"],
      examples: whole("eval-examples"),
    };
    const threads = whole("threads");
    const lora = readLora(values);
    const file =
      values.config === undefined ? {} : parseRecipe(await readFile(values.config, "utf8"), values.config);
    const recipe = mergeRecipe(file, flags);
    const shaped = values["d-model"] ?? values.layers ?? file.model;
    if (values.model !== undefined && shaped !== undefined) {
      throw usage("the model of --model has its own shape: leave --d-model, --layers and `model` out");
    }

    const given = values.tokenizer === undefined ? undefined : await readTokenizer(values.tokenizer);
    if (given && (values.model !== undefined || recipe.data.task !== "text")) {
      throw usage("--tokenizer is for text and a new model; a checkpoint has its own");
    }

    const { RunFolder } = await import("@mamba/train/node");
    const { storyEnd } = await import("@mamba/tasks");
    const { languageModel, Trainer } = await import("@mamba/train");
    const { byteTokenizer, saveAdapter, saveCheckpoint } = await import("@mamba/checkpoint");
    await using kernel = await openBackend(values.backend, threads, host);
    const loaded =
      values.model === undefined
        ? undefined
        : await loadModel(kernel, values.model, lora ? undefined : "f32", host);
    using scope = new Scope();
    if (loaded) scope.use(loaded.model);
    const tokenizer = loaded ? tokenizerOf(loaded) : given;
    const reader = { vocabSize: loaded?.model.config.vocabSize, tokenizer };
    await using source = await openSource(recipe.data, reader, host);
    await using heldOut = await openHeldOut(recipe.data, judged, reader, host);
    const model =
      loaded?.model ?? scope.use(MambaLM.init(kernel, config(recipe, source.vocabSize), recipe.seed));
    const adapter = lora && scope.use(LoraAdapter.init(model, lora, recipe.seed));
    if (adapter) model.attach(adapter);
    using trainer = new Trainer(languageModel(model), source, recipe.training);
    await using folder = await RunFolder.open(values.out);
    if (!values.resume && (await folder.hasState())) {
      throw new CliError("EXISTS", `${values.out} holds a run; --resume goes on with it`);
    }
    const resumed = await folder.resume(trainer);
    if (resumed) note(host, `going on after step ${trainer.step}`);
    else if (values.resume)
      note(host, `note: ${values.out} holds no state yet; this run starts at the beginning`);

    await train(model, trainer, folder, { saveEvery, heldOut }, host);
    const trained = join(values.out, adapter ? "adapter" : "model");
    // With the end of a story as its end token, a model of stories writes one and stops.
    const bytes =
      recipe.data.task === "stories" ? byteTokenizer(model.config.vocabSize, [storyEnd]) : undefined;
    if (adapter) await saveAdapter(kernel, adapter, trained);
    else await saveCheckpoint(model, trained, { tokenizer: loaded?.tokenizer ?? given ?? bytes });
    await showCurves(folder, source.id, host);
    note(host, `wrote ${trained}`);
  },
});

type NumericFlag =
  | "steps"
  | "length"
  | "tokens"
  | "vocab-size"
  | "batch-size"
  | "accumulation"
  | "segment-length"
  | "warmup-steps"
  | "d-model"
  | "layers"
  | "seed"
  | "eval-every"
  | "eval-examples"
  | "threads";

/** @throws CliError `USAGE` for a field that configs do not have; MambaError `CONFIG` */
function config({ model }: Recipe, vocabSize: number): MambaLMConfig {
  const resolved = resolveLMConfig({ vocabSize, ...model } as MambaLMConfigInput);
  const unknown = Object.keys(model).find((field) => !Object.hasOwn(resolved, field));
  if (unknown !== undefined) throw usage(`a model has no field ${JSON.stringify(unknown)}`);
  return resolved;
}
