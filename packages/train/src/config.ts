import { didYouMean } from "@mamba/core";
import { TrainError } from "./errors.ts";
import { type ScheduleKind, scheduleKinds } from "./schedule.ts";

/** A storage type of the weights of a model in training. */
export type WeightType = "f32" | "f16" | "bf16";

const weightTypes: readonly WeightType[] = ["f32", "f16", "bf16"];

/** How a model is trained. A resumed run must have the same config in every field, but it may have more steps,
 * and with them another warmup. */
export interface TrainConfig {
  /** Number of optimizer steps. */
  readonly steps: number;
  /** Examples per batch, B. Default 8. */
  readonly batchSize: number;
  /** Batches per step; their gradients are added up. Default 1. */
  readonly accumulation: number;
  /**
   * Truncated backpropagation through time: examples run in chunks of this many positions. The state goes from one chunk
   * to the next, but no gradient comes back. Memory then grows with the chunk, not with the example. Default undefined:
   * the whole example is one chunk.
   */
  readonly segmentLength: number | undefined;
  /** Largest learning rate. Default 1e-3. */
  readonly lr: number;
  /** How the learning rate decreases after the warmup. Default "cosine". */
  readonly schedule: ScheduleKind;
  /** Steps over which the learning rate rises linearly to `lr`. Default 0. */
  readonly warmupSteps: number;
  /** Learning rate of the last step as a fraction of `lr`; unused by "constant". Default 0.1. */
  readonly finalLr: number;
  /** Decoupled weight decay, for the parameters that decay (see `paramGroups`). Default 0.1. */
  readonly weightDecay: number;
  /** Decay rate of the first moment. Default 0.9. */
  readonly beta1: number;
  /** Decay rate of the second moment. Default 0.95. */
  readonly beta2: number;
  /** Added to the denominator of the update. Default 1e-8. */
  readonly eps: number;
  /** A gradient with a larger norm over all parameters is scaled down to this norm. Infinity: never. Default 1. */
  readonly clipNorm: number;
  /** Seed of the order of the data. Default 0. */
  readonly seed: number;
  /** Keep only the input of each layer, and compute the layer again in the backward pass. Default false. */
  readonly recompute: boolean;
  /**
   * How the model stores its large matrices, those with `storage: "any"` in its specs: it must have been made or loaded with this
   * dtype. With "f16" or "bf16" the optimizer has an f32 master of each, and the matrix is the rounded master after each step.
   * Default "f32".
   */
  readonly weights: WeightType;
}

/** A config with defaults: `steps` is required, all other fields are optional. */
export type TrainConfigInput = Pick<TrainConfig, "steps"> & {
  readonly [K in keyof TrainConfig]?: TrainConfig[K] | undefined;
};

/**
 * Fills in the defaults and checks all fields.
 *
 * @throws TrainError `CONFIG`, naming the field, its rule and the value.
 */
export function resolveTrainConfig(input: TrainConfigInput): TrainConfig {
  const config: TrainConfig = {
    steps: input.steps,
    batchSize: input.batchSize ?? 8,
    accumulation: input.accumulation ?? 1,
    segmentLength: input.segmentLength,
    lr: input.lr ?? 1e-3,
    schedule: input.schedule ?? "cosine",
    warmupSteps: input.warmupSteps ?? 0,
    finalLr: input.finalLr ?? 0.1,
    weightDecay: input.weightDecay ?? 0.1,
    beta1: input.beta1 ?? 0.9,
    beta2: input.beta2 ?? 0.95,
    eps: input.eps ?? 1e-8,
    clipNorm: input.clipNorm ?? 1,
    seed: input.seed ?? 0,
    recompute: input.recompute ?? false,
    weights: input.weights ?? "f32",
  };
  const unknown = Object.keys(input).find((field) => !Object.hasOwn(config, field));
  if (unknown !== undefined) {
    const hint = didYouMean(unknown, Object.keys(config));
    throw new TrainError("CONFIG", `there is no training field ${unknown}${hint}`);
  }

  const check = (field: keyof TrainConfig, holds: (value: number) => boolean, rule: string) => {
    const value: unknown = config[field];
    if (typeof value !== "number" || !holds(value)) throw wrong(field, rule, value);
  };
  const whole = (field: keyof TrainConfig, min: number, max: number) =>
    check(
      field,
      (value) => Number.isInteger(value) && value >= min && value <= max,
      `a whole number from ${min} to ${max}`,
    );
  whole("steps", 1, 2 ** 31 - 1);
  whole("batchSize", 1, 2 ** 20);
  whole("accumulation", 1, 2 ** 20);
  if (config.segmentLength !== undefined) whole("segmentLength", 1, 2 ** 31 - 1);
  whole("warmupSteps", 0, config.steps);
  whole("seed", -(2 ** 31), 2 ** 31 - 1);
  check("lr", (value) => value >= 0 && value <= 1e3, "a number from 0 to 1000");
  check("finalLr", (value) => value >= 0 && value <= 1, "a number from 0 to 1");
  check("weightDecay", (value) => value >= 0 && value <= 1e3, "a number from 0 to 1000");
  for (const field of ["beta1", "beta2"] as const) {
    check(field, (value) => value >= 0 && value < 1, "a number from 0 to below 1");
  }
  check("eps", (value) => value > 0 && value <= 1, "a number above 0 and at most 1");
  check("clipNorm", (value) => value > 0, "a number above 0");
  const oneOf = (field: "schedule" | "weights", known: readonly string[]) => {
    if (known.includes(config[field])) return;
    throw wrong(field, known.map((kind) => JSON.stringify(kind)).join(", "), config[field]);
  };
  oneOf("schedule", scheduleKinds);
  oneOf("weights", weightTypes);
  if (typeof config.recompute !== "boolean") throw wrong("recompute", "true or false", config.recompute);
  return config;
}

function wrong(field: keyof TrainConfig, rule: string, value: unknown): TrainError {
  const got = typeof value === "string" ? JSON.stringify(value) : String(value);
  return new TrainError("CONFIG", `training field ${field} must be ${rule}, got ${got}`);
}
