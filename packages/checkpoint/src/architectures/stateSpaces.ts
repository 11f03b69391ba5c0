import type { MambaLMConfig, MambaLMConfigInput } from "@mamba/core";
import { type JsonObject, show } from "@mamba/core/safetensors";
import { Fields } from "../json/fields.ts";
import type { Architecture, StoredAs, TensorShapes } from "./architecture.ts";
import { mambaSources, unusedHead } from "./mambaParameters.ts";
import { mixerHas, vocabulary } from "./vocabulary.ts";

/** The original code has no field for the epsilon of its norms. */
const originalEps = 1e-5;

/** The original form: `MambaConfig` of the state-spaces code, whose `ssm_cfg` holds the arguments of each block. */
export const stateSpaces = {
  format: "state-spaces",
  matches: (json) => (json["model_type"] ?? undefined) === undefined && "d_model" in json,
  fromConfig,
  obstacle: (config) => {
    if (config.innerNorms !== "none") return `innerNorms ${config.innerNorms}`;
    if (config.mupBaseWidth !== undefined) return "mupBaseWidth";
    if (config.rmsNormEps !== originalEps) return `rmsNormEps ${config.rmsNormEps}`;
    if (innerSize(config.dInner / config.dModel, config.dModel) !== config.dInner)
      return `dInner ${config.dInner}, which is no multiple of dModel ${config.dModel}`;
    return config.selective ? undefined : "selective false";
  },
  toConfig,
  sources: (config) => mambaSources(config, "original"),
  unused: unusedHead,
} as const satisfies Architecture;

function fromConfig(fields: Fields, tensors?: TensorShapes): MambaLMConfigInput {
  const block = fields.object("ssm_cfg") ?? new Fields(Object.create(null) as JsonObject, "ssm_cfg");
  const layer = block.get("layer");
  if (layer !== undefined && layer !== "Mamba1" && layer !== "Mamba")
    fields.unsupported(`ssm_cfg.layer ${show(layer)}`);
  if (fields.boolean("rms_norm") === false) fields.unsupported("rms_norm false (LayerNorm)");
  if ((fields.number("d_intermediate") ?? 0) > 0)
    fields.unsupported("d_intermediate above 0 (an MLP in each layer)");
  const attention = fields.get("attn_layer_idx");
  if (Array.isArray(attention) && attention.length > 0)
    fields.unsupported("attn_layer_idx (attention layers)");
  const dModel = fields.count("d_model") ?? fields.missing("d_model");
  const dInner = innerSize(block.number("expand") ?? 2, dModel);
  const vocabSize = fields.count("vocab_size") ?? fields.missing("vocab_size");
  return {
    ...vocabulary(vocabSize, fields.count("pad_vocab_size_multiple") ?? 8, tensors),
    dModel,
    nLayers: fields.count("n_layer") ?? fields.missing("n_layer"),
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
    bias: block.boolean("bias") ?? mixerHas(tensors, "in_proj.bias") ?? false,
    convBias: block.boolean("conv_bias") ?? mixerHas(tensors, "conv1d.bias") ?? true,
    tieEmbeddings: fields.boolean("tie_embeddings") ?? true,
  };
}

function toConfig(config: MambaLMConfig, { stopIds, readsBytes = false }: StoredAs): object {
  return {
    d_model: config.dModel,
    n_layer: config.nLayers,
    vocab_size: config.vocabSize,
    ssm_cfg: {
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
    },
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

function innerSize(expand: number, dModel: number): number {
  return Math.trunc(expand * dModel);
}
