import { MambaError } from "./errors.ts";

/** Shape and rules of a stack of Mamba blocks. Names as in the paper; ED = `dInner`, N = `dState`, W = `dConv`. */
export interface MambaConfig {
  /** Width of the residual stream, D. */
  dModel: number;
  nLayers: number;
  /** State size per channel, N. Default 16. */
  dState: number;
  /** `dInner / dModel` when `dInner` is not given. Default 2. */
  expand: number;
  /** Channels inside a block, ED. Default `expand * dModel`. */
  dInner: number;
  /** Width of the causal convolution, W. Default 4. */
  dConv: number;
  /** Rank of the delta projection, R. Default `ceil(dModel / 16)`. */
  dtRank: number;
  /** Range of delta at initialisation. Defaults 0.001 and 0.1. */
  dtMin: number;
  dtMax: number;
  /** How `dt_proj.weight` starts. Default "random". */
  dtInit: "random" | "constant";
  /** Scales the bound of `dt_proj.weight`. Default 1. */
  dtScale: number;
  /** Smallest delta at initialisation. Default 1e-4. */
  dtInitFloor: number;
  /** Default 1e-5. */
  rmsNormEps: number;
  /** Standard deviation of the projections and embeddings at initialisation. Default 0.02. */
  initializerRange: number;
  /**
   * Whether delta, B and C follow the input. Without selection they are learned constants, as in the S4 family, and the
   * scan is a long convolution: a baseline for what selection is worth (Mamba paper, section 4.6.1). Default true.
   */
  selective: boolean;
  /** Biases on `in_proj` and `out_proj`. Default false. */
  bias: boolean;
  /** Bias on the convolution. Default true. */
  convBias: boolean;
  /**
   * RMS norms on the low-rank delta, B and C, between `x_proj` and `dt_proj`: with weights as in Jamba, without as in
   * FalconMamba. Default "none".
   */
  innerNorms: "none" | "jamba" | "falcon";
  /** Default 1e-6 for "falcon", `rmsNormEps` otherwise. */
  innerNormEps: number;
  /** Turns muP on: the width at which the hyperparameters were tuned. Default undefined, off. */
  mupBaseWidth: number | undefined;
}

/** A language model: a stack between an embedding and a head. */
export interface MambaLMConfig extends MambaConfig {
  /** Token ids are 0 … vocabSize - 1. */
  vocabSize: number;
  /** The embedding table has `vocabSize` rounded up to a multiple of this. Default 1. */
  padVocabSizeMultiple: number;
  /** Whether the head is the embedding table. Default true, with muP false. */
  tieEmbeddings: boolean;
}

/** What a caller gives: the sizes without a default, and any other field. */
export type MambaConfigInput = Pick<MambaConfig, "dModel" | "nLayers"> & Fields<MambaConfig>;
export type MambaLMConfigInput = MambaConfigInput & Pick<MambaLMConfig, "vocabSize"> & Fields<MambaLMConfig>;
type Fields<T> = { readonly [K in keyof T]?: T[K] | undefined };

/**
 * Fills in the defaults and checks every field.
 *
 * @throws MambaError `CONFIG`, naming the field, its rule and the value.
 */
export function resolveConfig(input: MambaConfigInput): MambaConfig {
  const { dModel } = input;
  const whole = (field: keyof MambaConfigInput, value: unknown, min: number, max: number) =>
    check(
      field,
      value,
      Number.isInteger(value) && inRange(value, min, max),
      `a whole number from ${min} to ${max}`,
    );
  const positive = (field: keyof MambaConfigInput, value: unknown) =>
    check(field, value, inRange(value, Number.MIN_VALUE, 1e6), "a number above 0 and at most 1e6");

  whole("dModel", dModel, 1, 2 ** 20);
  whole("nLayers", input.nLayers, 1, 4096);
  const expand = input.expand ?? 2;
  positive("expand", expand);
  const innerNorms = input.innerNorms ?? "none";
  const rmsNormEps = input.rmsNormEps ?? 1e-5;
  const config: MambaConfig = {
    dModel,
    nLayers: input.nLayers,
    dState: input.dState ?? 16,
    expand,
    dInner: input.dInner ?? expand * dModel,
    dConv: input.dConv ?? 4,
    dtRank: input.dtRank ?? Math.ceil(dModel / 16),
    dtMin: input.dtMin ?? 0.001,
    dtMax: input.dtMax ?? 0.1,
    dtInit: input.dtInit ?? "random",
    dtScale: input.dtScale ?? 1,
    dtInitFloor: input.dtInitFloor ?? 1e-4,
    rmsNormEps,
    initializerRange: input.initializerRange ?? 0.02,
    selective: input.selective ?? true,
    bias: input.bias ?? false,
    convBias: input.convBias ?? true,
    innerNorms,
    innerNormEps: input.innerNormEps ?? (innerNorms === "falcon" ? 1e-6 : rmsNormEps),
    mupBaseWidth: input.mupBaseWidth,
  };
  whole("dInner", config.dInner, 1, 2 ** 20);
  whole("dState", config.dState, 1, 256);
  whole("dConv", config.dConv, 2, 16);
  whole("dtRank", config.dtRank, 1, config.dInner);
  for (const field of ["dtMin", "dtMax", "dtScale", "dtInitFloor"] as const) positive(field, config[field]);
  check("dtMax", config.dtMax, config.dtMax >= config.dtMin, `at least dtMin, ${config.dtMin}`);
  for (const field of ["rmsNormEps", "innerNormEps", "initializerRange"] as const) {
    check(field, config[field], inRange(config[field], 0, 1), "a number from 0 to 1");
  }
  for (const field of ["selective", "bias", "convBias"] as const) {
    check(field, config[field], typeof config[field] === "boolean", "true or false");
  }
  check("dtInit", config.dtInit, ["random", "constant"].includes(config.dtInit), '"random" or "constant"');
  check(
    "innerNorms",
    innerNorms,
    ["none", "jamba", "falcon"].includes(innerNorms),
    '"none", "jamba" or "falcon"',
  );
  if (config.mupBaseWidth !== undefined) whole("mupBaseWidth", config.mupBaseWidth, 1, 2 ** 20);
  return config;
}

/**
 * `resolveConfig` for a language model.
 *
 * @throws MambaError `CONFIG`, naming the field, its rule and the value.
 */
export function resolveLMConfig(input: MambaLMConfigInput): MambaLMConfig {
  const config = {
    ...resolveConfig(input),
    vocabSize: input.vocabSize,
    padVocabSizeMultiple: input.padVocabSizeMultiple ?? 1,
    tieEmbeddings: input.tieEmbeddings ?? input.mupBaseWidth === undefined,
  };
  for (const field of ["vocabSize", "padVocabSizeMultiple"] as const) {
    const value = config[field];
    check(
      field,
      value,
      Number.isInteger(value) && inRange(value, 1, 2 ** 24),
      "a whole number from 1 to 2^24",
    );
  }
  check("tieEmbeddings", config.tieEmbeddings, typeof config.tieEmbeddings === "boolean", "true or false");
  if (config.mupBaseWidth !== undefined) {
    // muP starts the head at zero; a tied one would take the embedding with it.
    check("tieEmbeddings", config.tieEmbeddings, !config.tieEmbeddings, "false when mupBaseWidth is given");
  }
  return config;
}

/** Rows of the embedding table: `vocabSize` rounded up to a multiple of `padVocabSizeMultiple`. */
export function paddedVocabSize({ vocabSize, padVocabSizeMultiple }: MambaLMConfig): number {
  return Math.ceil(vocabSize / padVocabSizeMultiple) * padVocabSizeMultiple;
}

/** The muP width multiplier `m = dModel / mupBaseWidth` (Yang et al. 2022); 1 without muP. */
export function widthMultiplier({ dModel, mupBaseWidth }: MambaConfig): number {
  return mupBaseWidth === undefined ? 1 : dModel / mupBaseWidth;
}

function inRange(value: unknown, min: number, max: number): boolean {
  return typeof value === "number" && value >= min && value <= max;
}

function check(field: keyof MambaLMConfig, value: unknown, holds: boolean, rule: string): void {
  if (!holds) throw new MambaError("CONFIG", `config field ${field} must be ${rule}, got ${describe(value)}`);
}

function describe(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
