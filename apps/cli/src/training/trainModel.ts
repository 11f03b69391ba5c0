import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { CheckpointTokenizer } from "@mamba/checkpoint";
import {
  byteTokenizer,
  LoraAdapter,
  type LoraConfigInput,
  type LMConfig,
  type LMConfigInput,
  MambaLM,
  resolveLMConfig,
} from "@mamba/core";
import { Scope } from "@mamba/kernel";
import { type BackendChoice, openBackend } from "../backends/openBackend.ts";
import { loadModel } from "../checkpoints/loadModel.ts";
import { hasBytes } from "../data/openSource.ts";
import { readerOf, readTokenizer } from "../data/tokenizer.ts";
import { CliError, usage } from "../program/errors.ts";
import { note, type Host } from "../program/host.ts";
import { writeAtomically } from "../program/writeAtomically.ts";
import type { HeldOutOptions } from "./heldOut.ts";
import { type Recipe, type RecipeInput, withSteps } from "./recipe.ts";
import { runTrainer, showCurves } from "./runTrainer.ts";
import { openTrainingData } from "./trainingData.ts";

/** One training run of a language model on the command line. */
export interface TrainRequest extends BackendChoice, HeldOutOptions {
  readonly out: string;
  /** Bytes. */
  readonly memoryLimit?: number | undefined;
  readonly tokenizer?: string | undefined;
  readonly model?: string | undefined;
  readonly offline?: true | undefined;
  readonly lora: LoraConfigInput | undefined;
  readonly resume?: true | undefined;
  readonly saveEvery: number;
}

/** Trains a model or an adapter in a folder, and writes the result there. */
export async function trainModel(recipe: Recipe, request: TrainRequest, host: Host): Promise<void> {
  const { lora, out, memoryLimit } = request;
  const { weights = "f32" } = recipe.training;
  const newTokenizer = await readNewTokenizer(request, recipe);

  const { RunFolder } = await import("@mamba/train/node");
  const { storyEnd } = await import("@mamba/tasks");
  const { languageModel, Trainer } = await import("@mamba/train");
  const { checkAdapter, saveAdapter, saveCheckpoint } = await import("@mamba/checkpoint");
  await using kernel = await openBackend(request, host);
  const loaded =
    request.model === undefined
      ? undefined
      : await loadModel(
          kernel,
          { model: request.model, offline: request.offline },
          lora ? undefined : weights,
          host,
        );
  using scope = new Scope();
  if (loaded) scope.use(loaded.model);
  const reader = loaded ? readerOf(loaded) : { tokenizer: newTokenizer };
  await using data = await openTrainingData(recipe.data, request, reader, host);
  const { source, packTo } = data;
  const model =
    loaded?.model ??
    scope.use(
      MambaLM.init(kernel, await configOf(recipe, source.vocabSize), recipe.seed, { dtype: weights }),
    );
  const adapter = lora && scope.use(LoraAdapter.init(model, lora, recipe.seed));
  if (adapter) {
    checkAdapter(model, adapter); // before the training, as it could not be saved
    model.attach(adapter);
  }
  using trainer = new Trainer(
    languageModel(model, { packTo }),
    source,
    withSteps(recipe.training, source.count),
    { memoryLimit },
  );
  await using folder = await RunFolder.open(out);
  if (!request.resume && (await folder.hasState())) {
    throw new CliError("EXISTS", `${out} holds a run; --resume continues it`);
  }
  const resumed = await folder.resume(trainer);
  if (resumed?.damage !== undefined) note(host, `the last state is lost: ${resumed.damage}`);
  if (resumed) note(host, `continuing after step ${trainer.step}`);
  else if (request.resume) note(host, `note: ${out} holds no state yet; this run starts at the beginning`);

  await runTrainer(model, trainer, folder, { ...data, saveEvery: request.saveEvery }, host);
  const trained = join(out, adapter ? "adapter" : "model");
  // With the end of a story as its end token, a model of stories stops after one.
  const bytes = hasBytes(recipe.data.task, newTokenizer)
    ? byteTokenizer(model.config.vocabSize, recipe.data.task === "stories" ? [storyEnd] : [])
    : undefined;
  const template = recipe.data.template === undefined ? undefined : await readFile(recipe.data.template);
  if (adapter) {
    await saveAdapter(model, adapter, trained);
    if (template) await writeAtomically(join(trained, templateFile), template);
  } else {
    const found = loaded ? loaded.tokenizer : newTokenizer;
    const tokenizer = (template && found ? withFile(found, templateFile, template) : found) ?? bytes;
    await saveCheckpoint(model, trained, { tokenizer, stopIds: loaded?.stopIds });
  }
  await showCurves(folder, source.id, host);
  note(host, `wrote ${trained}`);
  if (recipe.data.task === "chat") {
    note(host, `talk to it: mamba chat -m ${trained}`);
  }
}

/** @throws CliError `USAGE` when a checkpoint is trained further, and a shape is given too */
export function checkShape(model: string | undefined, file: RecipeInput, options: RecipeInput): void {
  const shape = options.model?.["dModel"] ?? options.model?.["nLayers"] ?? file.model;
  if (model !== undefined && shape !== undefined) {
    throw usage("the model of --model has its own shape: leave --d-model, --layers and `model` out");
  }
}

/** The file of a chat template beside a model or an adapter. It takes precedence over that of tokenizer_config.json. */
const templateFile = "chat_template.jinja";

function withFile(tokenizer: CheckpointTokenizer, name: string, content: Uint8Array): CheckpointTokenizer {
  return { ...tokenizer, files: new Map([...tokenizer.files, [name, content]]) };
}

async function readNewTokenizer(
  { tokenizer, model }: TrainRequest,
  { data }: Recipe,
): Promise<CheckpointTokenizer | undefined> {
  if (tokenizer === undefined) return undefined;
  const found = await readTokenizer(tokenizer);
  if (model === undefined && (data.task === "text" || data.task === "chat")) return found;
  throw usage("--tokenizer is for text or chat and a new model; a checkpoint has its own");
}

/** @throws MambaError `CONFIG`, also for a field that configs do not have; CheckpointError `CONFIG` for `layers` that cannot be read */
async function configOf({ model }: Recipe, vocabSize: number): Promise<LMConfig> {
  const { parseLayers } = await import("@mamba/checkpoint");
  const layers = model["layers"] === undefined ? {} : { layers: parseLayers(model, "model") };
  return resolveLMConfig({ vocabSize, ...model, ...layers } as LMConfigInput);
}
