import {
  type HybridLMConfig,
  type HybridLMConfigInput,
  isHybrid,
  type LayerSpec,
  type LMConfigInput,
  mamba,
  type MambaConfig,
  type MambaConfigInput,
  mamba2,
  type Mamba2Config,
  type MambaLMConfig,
  mlp,
  type ModuleSpec,
} from "@mamba/core";
import { type JsonObject, show } from "@mamba/core/safetensors";
import { Fields } from "../json/fields.ts";
import type { Architecture, StoredAs, TensorShapes } from "./architecture.ts";
import { type HybridForm, hybridObstacle } from "./hybrid/hybridForm.ts";
import { layersOf } from "./hybrid/hubFields.ts";
import {
  type HubNames,
  hubSources,
  type LayerParameter,
  type LocalTensors,
  rowsOfJoined,
} from "./hybrid/hubSources.ts";
import { configOf, firstOf, mixersOf, required } from "./hybrid/modules.ts";
import { mambaSources, tableNames, unusedHead } from "./mambaParameters.ts";
import { mixerHas, vocabulary } from "./vocabulary.ts";

/** The original code has no field for the epsilon of its norms. */
const originalEps = 1e-5;

/** The original code rounds the hidden width of an MLP up to a multiple of this. */
const hiddenMultiple = 128;

/**
 * The original form: `MambaConfig` of the state-spaces code, whose `ssm_cfg` holds the arguments of each block: Mamba-1, or Mamba-2 where
 * its field `layer` says so. With `d_intermediate` each layer has an MLP.
 */
export const stateSpaces = {
  format: "state-spaces",
  prefix: "backbone.",
  matches: (json) => (json["model_type"] ?? undefined) === undefined && "d_model" in json,
  fromConfig,
  obstacle: (config) => (isHybrid(config) ? hybridObstacle(hybridForm, config) : mambaObstacle(config)),
  toConfig: (config, stored) =>
    isHybrid(config) ? hybridForm.toConfig(config, stored) : modelFields(config, stored, mambaFields(config)),
  sources: (config) =>
    isHybrid(config) ? hubSources(config, originalNames) : mambaSources(config, "original"),
  unused: unusedHead,
} as const satisfies Architecture;

/** The form of models that are not equal Mamba-1 blocks alone. */
const hybridForm: Pick<HybridForm, "fromConfig" | "toConfig"> = {
  fromConfig: (fields, tensors) => {
    const input = fromConfig(fields, tensors);
    return "layers" in input ? input : fields.unsupported("Mamba blocks alone as a list of layers");
  },
  toConfig: (config, stored) => {
    const [{ mixer, ffn } = {}] = config.layers;
    const [module] = mixersOf({ mixer });
    const block = configOf(module, "mamba2");
    const fields = block
      ? mamba2Fields(block)
      : mambaFields(required(firstOf(config, "mamba"), "no Mamba blocks"));
    const hidden = ffn && required(configOf(ffn, "mlp"), "experts").dHidden;
    return {
      ...modelFields(config, stored, fields),
      ...(hidden !== undefined && { d_intermediate: hidden }),
    };
  },
};

const originalNames: HubNames = {
  table: [tableNames.original, tableNames.hub],
  finalNorm: ["backbone.norm_f.weight"],
  layer: (i) => `backbone.layers.${i}.`,
  tensors: originalTensors,
};

function originalTensors({ spec, module, place, local }: LayerParameter): LocalTensors {
  if (module === undefined) return place === "mixer" ? "norm.weight" : "norm2.weight";
  if (place === "mixer") return `mixer.${local}`;
  const [name = "", kind = ""] = local.split(".");
  if (name === "down_proj") return `mlp.fc2.${kind}`;
  // The rows of fc1 are those of the values, and then those of the gate.
  const [rows = 1] = spec.shape;
  return rowsOfJoined(spec, `mlp.fc1.${kind}`, 2 * rows, name === "up_proj" ? 0 : rows);
}

function fromConfig(fields: Fields, tensors?: TensorShapes): LMConfigInput {
  const block = fields.object("ssm_cfg") ?? new Fields(Object.create(null) as JsonObject, "ssm_cfg");
  const layer = block.get("layer") ?? "Mamba1";
  if (layer !== "Mamba1" && layer !== "Mamba" && layer !== "Mamba2")
    fields.unsupported(`ssm_cfg.layer ${show(layer)}`);
  if (fields.boolean("rms_norm") === false) fields.unsupported("rms_norm false (LayerNorm)");
  const attention = fields.get("attn_layer_idx");
  if (Array.isArray(attention) && attention.length > 0)
    fields.unsupported("attn_layer_idx (attention layers)");
  const dModel = fields.count("d_model") ?? fields.missing("d_model");
  const nLayers = fields.layerCount("n_layer") ?? fields.missing("n_layer");
  const vocabSize = fields.count("vocab_size") ?? fields.missing("vocab_size");
  const model = {
    ...vocabulary(vocabSize, fields.count("pad_vocab_size_multiple") ?? 8, tensors),
    dModel,
    tieEmbeddings: fields.boolean("tie_embeddings") ?? true,
  };
  const hidden = fields.index("d_intermediate") ?? 0;
  if (layer !== "Mamba2" && hidden === 0) return { ...model, ...mambaInput(block, dModel, nLayers, tensors) };
  const mixer =
    layer === "Mamba2"
      ? mamba2Of(block, dModel, nLayers, tensors)
      : mamba(mambaInput(block, dModel, nLayers, tensors));
  return { ...model, rmsNormEps: originalEps, layers: layersWith(mixer, hidden, dModel, nLayers) };
}

function layersWith(
  mixer: ModuleSpec,
  hidden: number,
  dModel: number,
  nLayers: number,
): HybridLMConfigInput["layers"] {
  const dHidden = Math.ceil(hidden / hiddenMultiple) * hiddenMultiple;
  const layer: LayerSpec = hidden > 0 ? { mixer, ffn: mlp({ dModel, nLayers, dHidden }) } : { mixer };
  return layersOf(nLayers, () => layer);
}

function mambaInput(
  block: Fields,
  dModel: number,
  nLayers: number,
  tensors: TensorShapes | undefined,
): MambaConfigInput {
  const dInner = innerSize(block.number("expand") ?? 2, dModel);
  return {
    dModel,
    nLayers,
    dInner,
    expand: dInner / dModel,
    dState: block.count("d_state"),
    dConv: block.count("d_conv"),
    dtRank: block.get("dt_rank") === "auto" ? undefined : block.count("dt_rank"),
    dtMin: block.number("dt_min"),
    dtMax: block.number("dt_max"),
    dtInitFloor: block.number("dt_init_floor"),
    dtScale: block.number("dt_scale"),
    dtInit: block.only("dt_init", ["random", "constant"]),
    ...biases(block, tensors),
  };
}

function mamba2Of(
  block: Fields,
  dModel: number,
  nLayers: number,
  tensors: TensorShapes | undefined,
): ModuleSpec {
  const dInner = innerSize(block.number("expand") ?? 2, dModel);
  if ((block.count("d_ssm") ?? dInner) !== dInner) block.unsupported("d_ssm below expand * d_model");
  if (block.boolean("D_has_hdim") === true) block.unsupported("D_has_hdim true");
  const order = block.boolean("norm_before_gate") === true ? "normFirst" : "gateFirst";
  return mamba2({
    dModel,
    nLayers,
    dInner,
    headDim: block.count("headdim") ?? 64,
    dState: block.count("d_state") ?? 128,
    groups: block.count("ngroups") ?? 1,
    dConv: block.count("d_conv") ?? 4,
    norm: block.boolean("rmsnorm") === false ? "none" : order,
    dtLimit: block.range("dt_limit"),
    aInitRange: block.range("A_init_range"),
    dtMin: block.number("dt_min"),
    dtMax: block.number("dt_max"),
    dtInitFloor: block.number("dt_init_floor"),
    ...biases(block, tensors),
  });
}

function biases(
  block: Fields,
  tensors: TensorShapes | undefined,
): { readonly bias: boolean; readonly convBias: boolean } {
  return {
    bias: block.boolean("bias") ?? mixerHas(tensors, "in_proj.bias") ?? false,
    convBias: block.boolean("conv_bias") ?? mixerHas(tensors, "conv1d.bias") ?? true,
  };
}

/** The reason why the form cannot describe a model of Mamba-1 blocks alone. */
function mambaObstacle(config: MambaLMConfig): string | undefined {
  if (config.innerNorms !== "none") return `innerNorms ${config.innerNorms}`;
  if (config.mupBaseWidth !== undefined) return "mupBaseWidth";
  if (config.rmsNormEps !== originalEps) return `rmsNormEps ${config.rmsNormEps}`;
  if (innerSize(config.dInner / config.dModel, config.dModel) !== config.dInner)
    return `dInner ${config.dInner}, which is no multiple of dModel ${config.dModel}`;
  return config.selective ? undefined : "selective false";
}

function modelFields(
  config: MambaLMConfig | HybridLMConfig,
  { stopIds, readsBytes = false }: StoredAs,
  block: object,
): object {
  return {
    d_model: config.dModel,
    n_layer: config.nLayers,
    vocab_size: config.vocabSize,
    ssm_cfg: block,
    rms_norm: true,
    residual_in_fp32: true,
    fused_add_norm: true,
    pad_vocab_size_multiple: config.padVocabSizeMultiple,
    tie_embeddings: config.tieEmbeddings,
    // Not fields of the original code, which ignores them.
    ...(readsBytes && { mamba_ts: { byte_tokenizer: true } }),
    ...(stopIds.length > 0 && { eos_token_id: stopIds }),
  };
}

function mambaFields(config: MambaConfig): object {
  return {
    layer: "Mamba1",
    d_state: config.dState,
    d_conv: config.dConv,
    expand: config.dInner / config.dModel,
    dt_rank: config.dtRank,
    dt_min: config.dtMin,
    dt_max: config.dtMax,
    dt_init: config.dtInit,
    dt_scale: config.dtScale,
    dt_init_floor: config.dtInitFloor,
    conv_bias: config.convBias,
    bias: config.bias,
  };
}

function mamba2Fields(config: Mamba2Config): object {
  const [min, max] = config.dtLimit;
  return {
    layer: "Mamba2",
    d_state: config.dState,
    d_conv: config.dConv,
    expand: config.dInner / config.dModel,
    headdim: config.headDim,
    ngroups: config.groups,
    A_init_range: config.aInitRange,
    ...((min !== 0 || max !== Infinity) && {
      dt_limit: [min, max === Infinity ? { __float__: "Infinity" } : max],
    }),
    rmsnorm: config.norm !== "none",
    norm_before_gate: config.norm === "normFirst",
    dt_min: config.dtMin,
    dt_max: config.dtMax,
    dt_init_floor: config.dtInitFloor,
    conv_bias: config.convBias,
    bias: config.bias,
  };
}

function innerSize(expand: number, dModel: number): number {
  return Math.trunc(expand * dModel);
}
