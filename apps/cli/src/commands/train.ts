import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { MambaLM, type MambaLMConfig, type MambaLMConfigInput, resolveLMConfig } from "@mamba/core";
import { Scope } from "@mamba/kernel";
import type { Trainer } from "@mamba/train";
import { readNumber, usage } from "../args.ts";
import { backendFlags, openBackend } from "../backend.ts";
import { command } from "../command.ts";
import { CliError, codeOf } from "../errors.ts";
import { writeAtomically } from "../files.ts";
import { note, type Host } from "../host.ts";
import { loadModel } from "../model.ts";
import { curveSvg, drawCurve, parseLog } from "../train/curve.ts";
import { openSource, type Task, tasks } from "../train/data.ts";
import { mergeRecipe, parseRecipe, type Recipe, type RecipePart } from "../train/recipe.ts";
import { Report } from "../train/report.ts";
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
    const threads = whole("threads");
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
    const { Trainer } = await import("@mamba/train");
    const { saveCheckpoint } = await import("@mamba/checkpoint");
    await using kernel = await openBackend(values.backend, threads);
    const loaded =
      values.model === undefined ? undefined : await loadModel(kernel, values.model, "f32", host);
    using scope = new Scope();
    if (loaded) scope.use(loaded.model);
    const tokenizer = loaded ? tokenizerOf(loaded) : given;
    const reader = { vocabSize: loaded?.model.config.vocabSize, tokenizer };
    await using source = await openSource(recipe.data, reader, host);
    const model =
      loaded?.model ?? scope.use(MambaLM.init(kernel, config(recipe, source.vocabSize), recipe.seed));
    using trainer = new Trainer(model, source, recipe.training);
    const folder = await RunFolder.open(values.out);
    if (!values.resume && (await folder.hasState())) {
      throw new CliError("EXISTS", `${values.out} holds a run; --resume goes on with it`);
    }
    const resumed = await folder.resume(trainer);
    if (resumed) note(host, `going on after step ${trainer.step}`);
    else if (values.resume)
      note(host, `note: ${values.out} holds no state yet; this run starts at the beginning`);

    await train(trainer, folder, saveEvery, host);
    const trained = join(values.out, "model");
    await saveCheckpoint(model, trained, { tokenizer: loaded?.tokenizer ?? given });
    await showCurve(folder.logPath, join(values.out, "loss.svg"), source.id, host);
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
  | "threads";

/** Trains to the end, or until it is interrupted: then the state is saved first. */
async function train(
  trainer: Trainer,
  folder: { log(event: object): Promise<void>; save(trainer: Trainer): Promise<void> },
  saveEvery: number,
  host: Host,
): Promise<void> {
  using report = new Report(host, trainer.config.steps);
  let saved = trainer.step;
  const save = async () => {
    if (saved !== trainer.step) await folder.save(trainer);
    saved = trainer.step;
  };
  try {
    for await (const event of trainer.run({ signal: host.signal })) {
      report.update(event);
      await folder.log(event);
      if (event.step % saveEvery === 0) await save();
    }
  } catch (error) {
    if (host.signal.aborted) await save();
    throw error;
  }
  await save();
}

/** @throws CliError `USAGE` for a field that configs do not have; MambaError `CONFIG` */
function config({ model }: Recipe, vocabSize: number): MambaLMConfig {
  const resolved = resolveLMConfig({ vocabSize, ...model } as MambaLMConfigInput);
  const unknown = Object.keys(model).find((field) => !Object.hasOwn(resolved, field));
  if (unknown !== undefined) throw usage(`a model has no field ${JSON.stringify(unknown)}`);
  return resolved;
}

/** The curve as a picture, and on a terminal below the run; nothing when the log was taken away. */
async function showCurve(logPath: string, picture: string, data: string, host: Host): Promise<void> {
  const log = await readFile(logPath, "utf8").catch((error: unknown) => {
    if (codeOf(error) !== "ENOENT") throw error;
    return "";
  });
  const points = parseLog(log);
  if (points.length === 0) return;
  await writeAtomically(picture, curveSvg(points, `loss in nats: ${data}`));
  if (host.stderr.isTTY) host.stderr.write(drawCurve(points));
}
