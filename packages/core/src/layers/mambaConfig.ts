import { checkKeys } from "../checkOptions.ts";
import { check, checkChoice, checkFlag, checkWhole, inRange } from "./checkField.ts";

/** Sizes and rules of Mamba blocks and of the stack that they are part of. Names as in the paper; see `mamba.ts`. */
export interface MambaConfig {
  /** Width of the residual stream, D. */
  dModel: number;
  /** Layers of the stack: out_proj starts smaller by `sqrt(2 * nLayers)`. */
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
   * True when delta, B and C depend on the input. Without selection they are learned constants, as in the S4 family, and the
   * scan is a long convolution: a baseline for the benefit of selection (Mamba paper, section 4.6.1). Default true.
   */
  selective: boolean;
  /** Biases on `in_proj` and `out_proj`. Default false. */
  bias: boolean;
  /** Bias on the convolution. Default true. */
  convBias: boolean;
  /**
   * RMS norms on the low-rank delta, B and C, between `x_proj` and `dt_proj`: with weights, as Jamba has them, or without, as
   * FalconMamba has them. Under muP "weighted" norms have no weights either. Default "none".
   */
  innerNorms: "none" | "weighted" | "unweighted";
  /** Default 1e-6 for "unweighted" norms, `rmsNormEps` otherwise. */
  innerNormEps: number;
  /** Turns muP on: the width at which the hyperparameters were tuned. Default undefined, off. */
  mupBaseWidth: number | undefined;
}

/** The fields that a caller gives: the sizes without a default, and any other field. */
export type MambaConfigInput = Pick<MambaConfig, "dModel" | "nLayers"> & Fields<MambaConfig>;
export type Fields<T> = { readonly [K in keyof T]?: T[K] | undefined };

const fields: Readonly<Record<keyof MambaConfig, true>> = {
  dModel: true,
  nLayers: true,
  dState: true,
  expand: true,
  dInner: true,
  dConv: true,
  dtRank: true,
  dtMin: true,
  dtMax: true,
  dtInit: true,
  dtScale: true,
  dtInitFloor: true,
  rmsNormEps: true,
  initializerRange: true,
  selective: true,
  bias: true,
  convBias: true,
  innerNorms: true,
  innerNormEps: true,
  mupBaseWidth: true,
};

/** Names of the fields of `MambaConfig`. */
export const mambaFields: readonly string[] = Object.keys(fields);

/** The fields of `MambaConfig` in the config of a model, which has others as well. */
export function blockConfig(config: MambaConfig): MambaConfig {
  const own = mambaFields.map((field) => [field, config[field as keyof MambaConfig]] as const);
  return Object.fromEntries(own) as unknown as MambaConfig;
}

/** Fields of `MambaLMConfig`: the config of a language model is also one of its blocks. */
const modelFields = ["vocabSize", "padVocabSizeMultiple", "tieEmbeddings"] as const;

/**
 * Fills in the defaults and checks every field. An unknown field is refused, except for those of a language model.
 *
 * @throws MambaError `CONFIG`, naming the field, its rule and the value.
 */
export function resolveConfig(input: MambaConfigInput): MambaConfig {
  checkKeys("config", "field", input, [...mambaFields, ...modelFields], "CONFIG");
  const { dModel } = input;
  const positive = (field: keyof MambaConfigInput, value: unknown) =>
    check(field, value, inRange(value, Number.MIN_VALUE, 1e6), "a number above 0 and at most 1e6");

  checkWhole("dModel", dModel, 1, 2 ** 20);
  checkWhole("nLayers", input.nLayers, 1, 4096);
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
    innerNormEps: input.innerNormEps ?? (innerNorms === "unweighted" ? 1e-6 : rmsNormEps),
    mupBaseWidth: input.mupBaseWidth,
  };
  checkWhole("dInner", config.dInner, 1, 2 ** 20);
  checkWhole("dState", config.dState, 1, 256);
  checkWhole("dConv", config.dConv, 2, 16);
  checkWhole("dtRank", config.dtRank, 1, config.dInner);
  for (const field of ["dtMin", "dtMax", "dtScale", "dtInitFloor"] as const) positive(field, config[field]);
  check("dtMax", config.dtMax, config.dtMax >= config.dtMin, `at least dtMin, ${config.dtMin}`);
  for (const field of ["rmsNormEps", "innerNormEps", "initializerRange"] as const) {
    check(field, config[field], inRange(config[field], 0, 1), "a number from 0 to 1");
  }
  for (const field of ["selective", "bias", "convBias"] as const) {
    checkFlag(field, config[field]);
  }
  checkChoice("dtInit", config.dtInit, ["random", "constant"]);
  checkChoice("innerNorms", innerNorms, ["none", "weighted", "unweighted"]);
  if (config.mupBaseWidth !== undefined) checkWhole("mupBaseWidth", config.mupBaseWidth, 1, 2 ** 20);
  return config;
}

/** The rules of a model that depend on its parametrization: standard, or muP (Yang et al. 2022, table 8). */
export interface Parametrization {
  /** m = dModel / mupBaseWidth; 1 in the standard parametrization. */
  readonly widthMultiplier: number;
  /** True when norms have weights. muP has none: a weight would learn at a rate of its own as the width grows. */
  readonly normGains: boolean;
  /** True when the convolution and the head start at zero. */
  readonly zeroStart: boolean;
}

export function parametrization({
  dModel,
  mupBaseWidth,
}: Pick<MambaConfig, "dModel" | "mupBaseWidth">): Parametrization {
  return mupBaseWidth === undefined
    ? { widthMultiplier: 1, normGains: true, zeroStart: false }
    : { widthMultiplier: dModel / mupBaseWidth, normGains: false, zeroStart: true };
}

/** True when the inner norms of a block have weights. */
export function hasInnerGains(config: MambaConfig): boolean {
  return config.innerNorms === "weighted" && parametrization(config).normGains;
}

/** Standard deviation of the matrices between hidden activations at initialisation. */
export function hiddenStd(config: MambaConfig): number {
  return config.initializerRange / Math.sqrt(parametrization(config).widthMultiplier);
}
