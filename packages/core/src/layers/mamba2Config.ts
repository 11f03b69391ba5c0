import { check, checkChoice, checkFlag, checkWhole, inRange } from "./checkField.ts";
import { resolveHeads } from "./headsConfig.ts";
import {
  checkFactor,
  checkFields,
  checkPositive,
  type ModuleConfigInput,
  resolveStart,
  type StartConfig,
} from "./moduleConfig.ts";

/** Factors of the five parts of the output of `in_proj`, its bias included: Falcon-H1 has them. */
export interface Mamba2Scales {
  readonly z: number;
  readonly x: number;
  readonly B: number;
  readonly C: number;
  readonly dt: number;
}

/** Sizes and rules of a Mamba-2 block. Names as in the paper; see `mamba2.ts`. */
export interface Mamba2Config extends StartConfig {
  /** Width of the residual stream. */
  readonly dModel: number;
  /** Channels inside the block, `heads * headDim`. Default: that product where `heads` is given, otherwise `expand * dModel`. */
  readonly dInner: number;
  /** Channels of each head, P. Default 64. */
  readonly headDim: number;
  /** Heads, H. Default `dInner / headDim`. */
  readonly heads: number;
  /** State size of each channel, N. Default 128. */
  readonly dState: number;
  /** Groups of heads that share B and C, and of channels that the norm works on, G. Default 1. */
  readonly groups: number;
  /** Width of the causal convolution, W. Default 4. */
  readonly dConv: number;
  /** Bias on the convolution. Default true. */
  readonly convBias: boolean;
  /** Bias on `in_proj`. Default false. */
  readonly bias: boolean;
  /** Bias on `out_proj`. Default: that of `in_proj`. */
  readonly outBias: boolean;
  /**
   * The norm before `out_proj`, with the gate z: "gateFirst" `norm(y · silu(z))`, as in all released language models; "normFirst"
   * `norm(y) · silu(z)`; "none" `y · silu(z)`. Default "gateFirst".
   */
  readonly norm: "gateFirst" | "normFirst" | "none";
  /** Default 1e-5. */
  readonly normEps: number;
  /** delta is clamped to this range after its softplus. Default [0, Infinity]. */
  readonly dtLimit: readonly [min: number, max: number];
  /** Range of delta at initialisation. Defaults 0.001 and 0.1. */
  readonly dtMin: number;
  readonly dtMax: number;
  /** Smallest delta at initialisation. Default 1e-4. */
  readonly dtInitFloor: number;
  /** -A starts uniformly in this range. Default [1, 16]. */
  readonly aInitRange: readonly [min: number, max: number];
  /** Default: 1 for each. */
  readonly scales: Mamba2Scales;
  /** Multiplies the output of the block. Default 1. */
  readonly outputScale: number;
}

export type Mamba2ConfigInput = Omit<ModuleConfigInput<Mamba2Config, "dModel">, "scales"> & {
  /** `dInner / dModel` where neither `dInner` nor `heads` is given. Default 2. */
  readonly expand?: number | undefined;
  readonly scales?: Partial<Mamba2Scales> | undefined;
};

const scaleNames = ["z", "x", "B", "C", "dt"] as const;

const fields: Readonly<Record<keyof Mamba2Config, true>> = {
  dModel: true,
  dInner: true,
  headDim: true,
  heads: true,
  dState: true,
  groups: true,
  dConv: true,
  convBias: true,
  bias: true,
  outBias: true,
  norm: true,
  normEps: true,
  dtLimit: true,
  dtMin: true,
  dtMax: true,
  dtInitFloor: true,
  aInitRange: true,
  scales: true,
  outputScale: true,
  initializerRange: true,
  nLayers: true,
};

/**
 * Fills in the defaults of a Mamba-2 block and checks every field.
 *
 * @throws MambaError `CONFIG`, naming the field, its rule and the value
 */
export function resolveMamba2Config(input: Mamba2ConfigInput): Mamba2Config {
  checkFields("mamba2", input, [...Object.keys(fields), "expand"]);
  const { dModel, bias = false, scales = {} } = input;
  checkWhole("dModel", dModel, 1, 2 ** 20);
  const config: Mamba2Config = {
    dModel,
    ...resolveHeads(input),
    dState: input.dState ?? 128,
    dConv: input.dConv ?? 4,
    convBias: input.convBias ?? true,
    bias,
    outBias: input.outBias ?? bias,
    norm: input.norm ?? "gateFirst",
    normEps: input.normEps ?? 1e-5,
    dtLimit: input.dtLimit ?? [0, Infinity],
    dtMin: input.dtMin ?? 0.001,
    dtMax: input.dtMax ?? 0.1,
    dtInitFloor: input.dtInitFloor ?? 1e-4,
    aInitRange: input.aInitRange ?? [1, 16],
    scales: { z: 1, x: 1, B: 1, C: 1, dt: 1, ...scales },
    outputScale: input.outputScale ?? 1,
    ...resolveStart(input),
  };
  checkWhole("dState", config.dState, 1, 256);
  checkWhole("dConv", config.dConv, 2, 16);
  for (const field of ["convBias", "bias", "outBias"] as const) checkFlag(field, config[field]);
  checkChoice("norm", config.norm, ["gateFirst", "normFirst", "none"]);
  check("normEps", config.normEps, inRange(config.normEps, 0, 1), "a number from 0 to 1");
  for (const field of ["dtMin", "dtMax", "dtInitFloor"] as const) checkPositive(field, config[field]);
  check("dtMax", config.dtMax, config.dtMax >= config.dtMin, `at least dtMin, ${config.dtMin}`);
  checkRange("dtLimit", config.dtLimit, 0, Infinity);
  checkRange("aInitRange", config.aInitRange, 1e-6, 1e6);
  checkFields("mamba2 scales", scales, scaleNames);
  for (const name of scaleNames) checkFactor(`scales.${name}`, config.scales[name]);
  checkFactor("outputScale", config.outputScale);
  return config;
}

/** @throws MambaError `CONFIG` unless the value is two numbers in ascending order, both from `least` to `most` */
function checkRange(field: string, value: unknown, least: number, most: number): void {
  const [min, max, ...more] = Array.isArray(value) ? (value as readonly unknown[]) : [];
  const holds = inRange(min, least, most) && inRange(max, min as number, most) && more.length === 0;
  check(field, value, holds, `[min, max], two numbers from ${least} to ${most} in ascending order`);
}
