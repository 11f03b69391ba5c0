import type { SequenceConfigInput, VisionConfigInput } from "@mamba/core";
import type { FitConfigInput } from "@mamba/train";
import type { CsvOptions, MissingRule } from "@mamba/train/data";
import type { ArrayTask } from "../data/tasks.ts";
import { checkData } from "./arrayFields.ts";
import { given, type RecipeInput } from "../training/recipe.ts";

/** The table of a task "series", and how it is cut into examples. */
export interface SeriesRecipe {
  /** A CSV file. */
  readonly path: string;
  readonly delimiter?: CsvOptions["delimiter"];
  readonly columns: readonly string[];
  /** Default: all of `columns`. */
  readonly targets?: readonly string[] | undefined;
  readonly context: number;
  readonly horizon: number;
  readonly stride: number;
  /** The levels of a forecast of quantiles. */
  readonly levels?: readonly number[] | undefined;
  /** The loss of a forecast of numbers. */
  readonly loss: "squaredError" | "huber";
  readonly missing: MissingRule;
  /** Forecast the change since the last row of the context. */
  readonly relative?: boolean | undefined;
  /** Fraction of the rows, at the end, that are held out. */
  readonly heldOut: number;
}

/** The images of a task "images". */
export interface ImagesRecipe {
  /** A folder with a folder per class, or an IDX file. */
  readonly path: string;
  /** The IDX file of the labels. Default: that beside the images. */
  readonly labels?: string | undefined;
  /** Default: that of the IDX file, or 32. */
  readonly height?: number | undefined;
  readonly width?: number | undefined;
  /** Default: that of the IDX file, or 3. */
  readonly channels?: number | undefined;
  /** The largest shift of an image in training, in pixels. */
  readonly shift: number;
  /** Fraction of the images that are held out. */
  readonly heldOut: number;
}

/** A complete training run of arrays: a preset, a config file and options together. */
export type ArrayRecipe = {
  readonly training: FitConfigInput;
  /** Seed of a new model's weights, of the order, and of the choice of held-out images. */
  readonly seed: number;
} & (
  | { readonly task: "series"; readonly data: SeriesRecipe; readonly model: Partial<SequenceConfigInput> }
  | { readonly task: "images"; readonly data: ImagesRecipe; readonly model: Partial<VisionConfigInput> }
);

interface Preset {
  readonly data: Readonly<Record<string, unknown>>;
  readonly model: Readonly<Record<string, unknown>>;
  readonly training: FitConfigInput;
}

const presets: Readonly<Record<ArrayTask, Preset>> = {
  series: {
    data: { context: 56, stride: 1, loss: "squaredError", missing: "refuse", heldOut: 0.2 },
    model: { dModel: 64, nLayers: 2, dropout: 0.1 },
    training: { steps: 400, batchSize: 16, lr: 1e-3, warmupSteps: 40, weightDecay: 0.1, patience: 8 },
  },
  images: {
    data: { shift: 0, heldOut: 0.1 },
    model: { patchSize: 4, dModel: 64, nLayers: 4 },
    training: { steps: 1500, batchSize: 32, lr: 2e-3, warmupSteps: 100, weightDecay: 0.1, patience: 8 },
  },
};

/**
 * Merges the preset of a task, a config file and options. Options take precedence over the file, the file over the preset.
 *
 * @throws CliError `USAGE` when a field of `data` does not exist, is missing or has another type
 */
export function mergeArrayRecipe(task: ArrayTask, file: RecipeInput, options: RecipeInput): ArrayRecipe {
  const preset = presets[task];
  const seed = options.seed ?? file.seed ?? 0;
  const data = { ...preset.data, ...given(file.data), ...given(options.data) };
  checkData(task, data);
  const requested = { ...given(file.training), ...given(options.training) } as Partial<FitConfigInput>;
  const training: FitConfigInput = { seed, ...preset.training, ...requested };
  // The preset's warmup suits its own number of steps; in a shorter run it is a tenth of the steps.
  const warmupSteps =
    requested.warmupSteps ?? Math.min(preset.training.warmupSteps ?? 0, Math.ceil(training.steps / 10));
  return {
    task,
    data,
    model: { ...preset.model, ...given(file.model), ...given(options.model) },
    training: { ...training, warmupSteps },
    seed,
  } as unknown as ArrayRecipe; // the fields of data are checked, those of the model and the training where they are used
}
