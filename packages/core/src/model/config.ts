import { checkKeys } from "../checkOptions.ts";
import { check, checkFlag, checkWhole, inRange } from "../layers/checkField.ts";
import type { LayerSpec } from "../layers/layer.ts";
import {
  type Fields,
  type MambaConfig,
  type MambaConfigInput,
  parametrization,
  resolveConfig,
} from "../layers/mambaConfig.ts";
import type { ModuleSpec } from "../layers/module.ts";

/** The fields of a language model beside those of its stack. */
interface VocabularyConfig {
  /** Token ids are 0 … vocabSize - 1. */
  vocabSize: number;
  /** The embedding table has `vocabSize` rounded up to a multiple of this. Default 1. */
  padVocabSizeMultiple: number;
  /** True when the head is the embedding table. Default true, with muP false. */
  tieEmbeddings: boolean;
}

/** A language model: a stack of equal Mamba blocks between an embedding and a head. */
export interface MambaLMConfig extends MambaConfig, VocabularyConfig {}

/** A language model: a stack of any layers, such as Mamba-2 blocks, attention and MLPs, between an embedding and a head. */
export interface HybridLMConfig extends VocabularyConfig {
  /** Width of the residual stream, D. */
  dModel: number;
  /** The layers, from the first to the last: any `ModuleSpec`s, `mamba2({ … })` or ones of your own. */
  layers: readonly LayerSpec[];
  /** The number of `layers`. */
  nLayers: number;
  /** The epsilon of the norms before the modules and of the final one. Default 1e-5. */
  rmsNormEps: number;
  /** Standard deviation of the embeddings and of an untied head at initialisation. Default 0.02. */
  initializerRange: number;
  /** Multiplies the embeddings before the first layer. Default 1. */
  embeddingScale: number;
  /** Multiplies the logits. Default 1. */
  logitScale: number;
  /** The norm after the last layer. Default true. */
  finalNorm: boolean;
}

/** The config of a language model: equal Mamba blocks, or a list of layers. `isHybrid` tells them apart. */
export type LMConfig = MambaLMConfig | HybridLMConfig;

/** The fields that a caller gives: the sizes without a default, and any other field. */
export type MambaLMConfigInput = MambaConfigInput & Pick<MambaLMConfig, "vocabSize"> & Fields<MambaLMConfig>;

/** The fields that a caller gives: width, vocabulary and layers, and any other field. */
export type HybridLMConfigInput = Pick<HybridLMConfig, "dModel" | "layers" | "vocabSize"> &
  Fields<HybridLMConfig>;

export type LMConfigInput = MambaLMConfigInput | HybridLMConfigInput;

const hybridFields: Readonly<Record<keyof HybridLMConfig, true>> = {
  dModel: true,
  layers: true,
  nLayers: true,
  vocabSize: true,
  padVocabSizeMultiple: true,
  tieEmbeddings: true,
  rmsNormEps: true,
  initializerRange: true,
  embeddingScale: true,
  logitScale: true,
  finalNorm: true,
};

/** True for a config with a list of layers. */
export function isHybrid(config: LMConfig): config is HybridLMConfig;
export function isHybrid(input: LMConfigInput): input is HybridLMConfigInput;
export function isHybrid(config: LMConfigInput): boolean {
  return "layers" in config;
}

/**
 * Fills in the defaults and checks every field. An unknown field is refused.
 *
 * @throws MambaError `CONFIG`, naming the field, its rule and the value.
 */
export function resolveLMConfig(input: MambaLMConfigInput): MambaLMConfig;
export function resolveLMConfig(input: HybridLMConfigInput): HybridLMConfig;
export function resolveLMConfig(input: LMConfigInput): LMConfig;
export function resolveLMConfig(input: LMConfigInput): LMConfig {
  return isHybrid(input) ? resolveHybrid(input) : resolveMamba(input);
}

function resolveMamba(input: MambaLMConfigInput): MambaLMConfig {
  const stack = resolveConfig(input);
  // muP starts the head at zero; a tied head would start the embedding at zero as well.
  const mayTie = !parametrization(stack).zeroStart;
  const config = { ...stack, ...resolveVocabulary(input, mayTie) };
  const tied = config.tieEmbeddings;
  check("tieEmbeddings", tied, mayTie || !tied, "false when mupBaseWidth is given");
  return config;
}

function resolveHybrid(input: HybridLMConfigInput): HybridLMConfig {
  checkKeys("config", "field", input, Object.keys(hybridFields), "CONFIG");
  const { dModel, layers } = input;
  checkWhole("dModel", dModel, 1, 2 ** 20);
  const isLayers = Array.isArray(layers) && layers.length > 0 && layers.every(isLayer);
  check("layers", layers, isLayers, "a list of at least one layer, { mixer?, ffn?, residualScale? }");
  const nLayers = input.nLayers ?? layers.length;
  check("nLayers", nLayers, nLayers === layers.length, `the number of layers, ${layers.length}`);
  const config: HybridLMConfig = {
    dModel,
    layers,
    nLayers,
    ...resolveVocabulary(input, true),
    rmsNormEps: input.rmsNormEps ?? 1e-5,
    initializerRange: input.initializerRange ?? 0.02,
    embeddingScale: input.embeddingScale ?? 1,
    logitScale: input.logitScale ?? 1,
    finalNorm: input.finalNorm ?? true,
  };
  for (const field of ["rmsNormEps", "initializerRange"] as const) {
    check(field, config[field], inRange(config[field], 0, 1), "a number from 0 to 1");
  }
  for (const field of ["embeddingScale", "logitScale"] as const) {
    check(field, config[field], Number.isFinite(config[field]), "a finite number");
  }
  checkFlag("finalNorm", config.finalNorm);
  return config;
}

function isLayer(layer: unknown): layer is LayerSpec {
  if (typeof layer !== "object" || layer === null) return false;
  const { mixer, ffn, residualScale = 1 } = layer as LayerSpec;
  return [mixer ?? [], ffn ?? []].flat().every(isModule) && Number.isFinite(residualScale);
}

function isModule(module: unknown): module is ModuleSpec {
  return typeof module === "object" && module !== null && "build" in module && "parameters" in module;
}

function resolveVocabulary(input: Fields<VocabularyConfig>, mayTie: boolean): VocabularyConfig {
  const { vocabSize = NaN, padVocabSizeMultiple = 1, tieEmbeddings = mayTie } = input;
  for (const [field, value] of Object.entries({ vocabSize, padVocabSizeMultiple })) {
    const holds = Number.isInteger(value) && inRange(value, 1, 2 ** 24);
    check(field, value, holds, "a whole number from 1 to 2^24");
  }
  checkFlag("tieEmbeddings", tieEmbeddings);
  return { vocabSize, padVocabSizeMultiple, tieEmbeddings };
}

/** The config as plain data: layers by the kind and the config of their modules. */
export function configData(config: LMConfig): object {
  if (!isHybrid(config)) return config;
  const module = ({ kind, config: own }: ModuleSpec) => ({ kind, config: own });
  const layers = config.layers.map(({ mixer = [], ffn, residualScale = 1 }) => ({
    mixers: [mixer].flat().map(module),
    ffn: ffn ? module(ffn) : null,
    residualScale,
  }));
  return { ...config, layers };
}

/** Rows of the embedding table: `vocabSize` rounded up to a multiple of `padVocabSizeMultiple`. */
export function paddedVocabSize({
  vocabSize,
  padVocabSizeMultiple,
}: Pick<VocabularyConfig, "vocabSize" | "padVocabSizeMultiple">): number {
  return Math.ceil(vocabSize / padVocabSizeMultiple) * padVocabSizeMultiple;
}
