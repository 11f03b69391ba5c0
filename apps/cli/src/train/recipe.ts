import type { MambaLMConfigInput } from "@mamba/core";
import type { TrainConfigInput } from "@mamba/train";
import { usage } from "../args.ts";
import { type DataRecipe, type Task, tasks } from "./data.ts";

/** All that a training run is made from: presets, config files and flags come together here. */
export interface Recipe {
  readonly data: DataRecipe;
  /** Of a new model; its vocabulary is that of the data unless it is given. */
  readonly model: Some<MambaLMConfigInput>;
  readonly training: TrainConfigInput;
  /** Of the new model's weights. */
  readonly seed: number;
}

/** What a config file holds, and what the flags amount to: any part of a recipe. */
export interface RecipePart {
  readonly task?: Task | undefined;
  readonly data?: Some<DataRecipe> | undefined;
  readonly model?: Some<MambaLMConfigInput> | undefined;
  readonly training?: Some<TrainConfigInput> | undefined;
  readonly seed?: number | undefined;
}
type Some<T> = { readonly [K in keyof T]?: T[K] | undefined };

const small = { dModel: 64, nLayers: 2 };

/** A start for each task: the generated ones are learned in some minutes on two cores. */
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
} as const satisfies Readonly<Record<Task, RecipePart>>;

const fields = {
  top: ["task", "data", "model", "training", "seed"],
  data: ["path", "length", "tokens", "vocabSize", "seed"],
};

/**
 * The text of a config file.
 *
 * @throws CliError `USAGE` when it is not JSON, or has fields that mean nothing
 */
export function parseRecipe(text: string, path: string): RecipePart {
  let part: unknown;
  try {
    part = JSON.parse(text);
  } catch (error) {
    throw usage(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  checkFields(path, part, fields.top);
  const { task, data = {}, model = {}, training = {}, seed } = part;
  checkFields(`${path}: data`, data, fields.data);
  checkFields(`${path}: model`, model);
  checkFields(`${path}: training`, training);
  if (task !== undefined && !tasks.includes(task as Task)) {
    throw usage(`${path}: task must be ${tasks.join(", ")}, got ${JSON.stringify(task)}`);
  }
  if (seed !== undefined && !Number.isInteger(seed)) throw usage(`${path}: seed must be a whole number`);
  if (data["path"] !== undefined && typeof data["path"] !== "string")
    throw usage(`${path}: data.path must be text`);
  // The fields of the parts are checked where they are used, with the flags.
  return part;
}

/**
 * Puts a preset, a config file and flags together; what comes later wins.
 *
 * @throws CliError `USAGE` when no task is named
 */
export function mergeRecipe(file: RecipePart, flags: RecipePart): Recipe {
  const task = flags.task ?? file.task;
  if (task === undefined) throw usage(`name a task: ${tasks.join(", ")}`);
  const preset: RecipePart = presets[task];
  const seed = flags.seed ?? file.seed ?? 0;
  const data = { seed, ...preset.data, ...given(file.data), ...given(flags.data), task };
  const training = {
    seed,
    ...preset.training,
    ...given(file.training),
    ...given(flags.training),
  } as TrainConfigInput;
  const asked = flags.training?.warmupSteps ?? file.training?.warmupSteps;
  // The preset's warmup is for its own number of steps: in a shorter run it is a tenth.
  const warmupSteps = asked ?? Math.min(preset.training?.warmupSteps ?? 0, Math.ceil(training.steps / 10));
  return {
    data: data as DataRecipe,
    model: { ...preset.model, ...given(file.model), ...given(flags.model) },
    training: { ...training, warmupSteps },
    seed,
  };
}

/** Without the fields that nobody gave. */
function given(part: object | undefined): object {
  return Object.fromEntries(Object.entries(part ?? {}).filter(([, value]) => value !== undefined));
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
