import { readFile } from "node:fs/promises";
import type { FitConfigInput, TrainConfigInput } from "@mamba/train";
import type { DataRecipe } from "../data/openSource.ts";
import { type LanguageTask, type Task, tasks } from "../data/tasks.ts";
import { arrayFields } from "../arrays/arrayFields.ts";
import { usage } from "../program/errors.ts";

/** A complete training run of a language model: a preset, a config file and options together. */
export interface Recipe {
  readonly data: DataRecipe;
  /** Config of a new model, as plain data; `layers` are read by `parseLayers`. Its vocabulary is that of the data unless it is given. */
  readonly model: Readonly<Record<string, unknown>>;
  readonly training: TrainConfigInput | EpochsInput;
  /** Seed of a new model's weights. */
  readonly seed: number;
}

/** A training whose steps follow the number of examples. */
export interface EpochsInput extends Omit<TrainConfigInput, "steps"> {
  /** How often each example is seen. */
  readonly epochs: number;
}

/** The weights that a run of chat trains, with defaults for each: an adapter, those of a checkpoint, or a new model. */
export type ChatKind = "adapter" | "checkpoint" | "new";

/** The fields that a config file or the options set. */
export interface RecipeInput {
  readonly task?: Task | undefined;
  readonly data?: Readonly<Record<string, unknown>> | undefined;
  readonly model?: Readonly<Record<string, unknown>> | undefined;
  readonly training?: Optional<FitConfigInput & EpochsInput> | undefined;
  readonly seed?: number | undefined;
}
type Optional<T> = { readonly [K in keyof T]?: T[K] | undefined };

const small = { dModel: 64, nLayers: 2 };

/** Defaults of each task. The generated ones are learned in some minutes on two cores. */
const presets = {
  induction: {
    data: { length: 32, vocabSize: 16 },
    model: small,
    training: { steps: 1500, batchSize: 16, lr: 3e-3, schedule: "constant", warmupSteps: 50 },
  },
  "selective-copying": {
    data: { length: 48, tokens: 4, vocabSize: 16 },
    model: small,
    training: { steps: 1500, batchSize: 16, lr: 3e-3, schedule: "constant", warmupSteps: 50 },
  },
  recall: {
    data: { length: 64, pairs: 8, vocabSize: 64 },
    model: small,
    training: { steps: 1500, batchSize: 16, lr: 3e-3, schedule: "constant", warmupSteps: 50 },
  },
  parity: {
    data: { length: 32 },
    model: small,
    training: { steps: 1500, batchSize: 16, lr: 3e-3, schedule: "constant", warmupSteps: 50 },
  },
  stories: {
    data: { length: 1024 },
    model: { dModel: 128, nLayers: 4 },
    training: { steps: 2000, batchSize: 8, lr: 2e-3, warmupSteps: 100 },
  },
  text: {
    data: { length: 256 },
    model: { dModel: 128, nLayers: 4 },
    training: { steps: 2000, batchSize: 8, lr: 2e-3, warmupSteps: 100 },
  },
  tokens: {
    data: { length: 256 },
    model: { dModel: 128, nLayers: 4 },
    training: { steps: 2000, batchSize: 8, lr: 2e-3, warmupSteps: 100 },
  },
  chat: {
    data: { length: 1024, heldOut: 0.05 },
    model: { dModel: 128, nLayers: 4 },
    training: { steps: 2000, batchSize: 8, lr: 2e-3, warmupSteps: 100 },
  },
} as const satisfies Readonly<Record<LanguageTask, RecipeInput>>;

/** Defaults of chat for a checkpoint. */
const fineTuning = {
  adapter: { epochs: 3, batchSize: 8, lr: 5e-4 },
  checkpoint: { epochs: 3, batchSize: 8, lr: 2e-4 },
} as const;

const fields = {
  top: ["task", "data", "model", "training", "seed"],
  data: ["path", "length", "tokens", "pairs", "vocabSize", "seed"],
  chat: ["path", "length", "seed", "heldOut", "template", "variables", "skipDamaged"],
};

/** The fields of `data` of any task. */
const allData = new Set([
  ...fields.data,
  ...fields.chat,
  ...Object.values(arrayFields).flatMap((own) => Object.keys(own)),
]);

/**
 * Reads a config file; without one, nothing is set.
 *
 * @throws CliError `USAGE`
 */
export async function readRecipe(path: string | undefined): Promise<RecipeInput> {
  return path === undefined ? {} : parseRecipe(await readFile(path, "utf8"), path);
}

/**
 * Parses a config file.
 *
 * @throws CliError `USAGE` when it is not JSON, or has unknown fields
 */
export function parseRecipe(text: string, path: string): RecipeInput {
  let input: unknown;
  try {
    input = JSON.parse(text.replace(/^\ufeff/, "")); // some editors begin files with a byte order mark
  } catch (error) {
    throw usage(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  checkFields(path, input, fields.top);
  const { task, data = {}, model = {}, training = {}, seed } = input;
  checkFields(`${path}: data`, data, [...allData]);
  checkFields(`${path}: model`, model);
  checkFields(`${path}: training`, training);
  if (task !== undefined && !tasks.includes(task as Task)) {
    throw usage(`${path}: task must be ${tasks.join(", ")}, got ${JSON.stringify(task)}`);
  }
  if (seed !== undefined && !Number.isInteger(seed)) throw usage(`${path}: seed must be a whole number`);
  if (data["path"] !== undefined && typeof data["path"] !== "string")
    throw usage(`${path}: data.path must be text`);
  // The values of the other fields are checked where they are used, together with the options.
  return input;
}

/**
 * Merges the preset of the task, a config file and options. Options take precedence over the file, the file over the
 * preset.
 *
 * @throws CliError `USAGE` when a field of `data` belongs to other tasks
 */
export function mergeRecipe(
  task: LanguageTask,
  file: RecipeInput,
  options: RecipeInput,
  chat: ChatKind = "new",
): Recipe {
  const preset: RecipeInput = presets[task];
  const seed = options.seed ?? file.seed ?? 0;
  const data = { seed, ...preset.data, ...given(file.data), ...given(options.data) };
  const known = task === "chat" ? fields.chat : fields.data;
  const other = Object.keys(data).find((field) => !known.includes(field));
  if (other !== undefined) throw usage(`${task} has no field ${other}; its fields are ${known.join(", ")}`);
  return {
    data: { ...data, task } as DataRecipe,
    model: { ...presetModel(preset, file), ...given(file.model), ...given(options.model) },
    training: mergeTraining(task === "chat" && chat !== "new" ? fineTuning[chat] : preset.training, file, {
      ...options,
      seed,
    }),
    seed,
  };
}

type Layer = Partial<EpochsInput & TrainConfigInput>;

/** @throws CliError `USAGE` when steps and epochs are given together */
function mergeTraining(
  preset: RecipeInput["training"],
  file: RecipeInput,
  options: RecipeInput,
): Recipe["training"] {
  const layers = [preset, file.training, options.training].map((fields) => given(fields) as Layer);
  for (const { steps, epochs } of layers) {
    if (steps !== undefined && epochs !== undefined) throw usage("give steps or epochs, not both");
  }
  const counts = [...layers].reverse().find(({ steps, epochs }) => (steps ?? epochs) !== undefined);
  const { steps: _, epochs: __, warmupSteps: ___, ...training } = Object.assign({}, ...layers) as Layer;
  const common = { seed: options.seed, ...training };
  const warmupSteps = options.training?.warmupSteps ?? file.training?.warmupSteps;
  const { steps, epochs } = counts ?? {};
  if (epochs !== undefined) return { ...common, epochs, warmupSteps };
  const count = Number(steps);
  return {
    ...common,
    steps: count,
    warmupSteps: warmupSteps ?? defaultWarmup(count, preset?.warmupSteps ?? 0),
  };
}

/** The preset's warmup suits its own number of steps; in a shorter run it is a tenth of the steps. */
function defaultWarmup(steps: number, preset: number): number {
  return Math.min(preset, Math.ceil(steps / 10));
}

/**
 * The training of a recipe with its number of steps.
 *
 * @param examples of the data; undefined for a source without an end
 * @throws CliError `USAGE` when epochs are given for such a source
 */
export function withSteps(training: Recipe["training"], examples: number | undefined): TrainConfigInput {
  if (!("epochs" in training)) return training;
  if (examples === undefined) throw usage("epochs are for data with an end; use steps");
  const { epochs, ...fields } = training;
  const { batchSize = 8, accumulation = 1, warmupSteps } = fields;
  const steps = Math.max(1, Math.ceil((epochs * examples) / (batchSize * accumulation)));
  return { ...fields, steps, warmupSteps: warmupSteps ?? defaultWarmup(steps, 100) };
}

/** The preset's shape of a model: only the width for a file that lists its layers. */
function presetModel({ model = {} }: RecipeInput, file: RecipeInput): object {
  return file.model?.["layers"] === undefined ? model : { dModel: model["dModel"] };
}

/**
 * The task that the options or the config file name.
 *
 * @throws CliError `USAGE` when neither does
 */
export function taskOf(file: RecipeInput, options: RecipeInput): Task {
  const task = options.task ?? file.task;
  if (task === undefined) throw usage(`name a task: ${tasks.join(", ")}`);
  return task;
}

/** The fields that are set. */
export function given(fields: object | undefined): object {
  return Object.fromEntries(Object.entries(fields ?? {}).filter(([, value]) => value !== undefined));
}

function checkFields(
  what: string,
  value: unknown,
  known?: readonly string[],
): asserts value is Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw usage(`${what} must be an object`);
  const unknown = Object.keys(value).find((field) => known && !known.includes(field));
  if (unknown !== undefined) throw usage(`${what} has no field ${JSON.stringify(unknown)}`);
}
