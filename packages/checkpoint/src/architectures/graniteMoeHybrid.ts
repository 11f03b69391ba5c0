import { experts, type HybridLMConfig, mlp } from "@mamba/core";
import type { Fields } from "../json/fields.ts";
import { commonFields } from "./hubConfig.ts";
import { hybridArchitecture } from "./hybrid/hybridForm.ts";
import {
  type Common,
  layersOf,
  llamaAttention,
  llamaAttentionFields,
  modelFields,
  prefixedMamba2,
  prefixedMamba2Fields,
  ropeTheta,
} from "./hybrid/hubFields.ts";
import { type LayerParameter, type LocalTensors, rowsOfExperts, rowsOfJoined } from "./hybrid/hubSources.ts";
import { configOf, firstOf, mixersOf, required } from "./hybrid/modules.ts";

const table = "model.embed_tokens.weight";

/** Words for the mixer of a layer: those of transformers before and since version 5. */
const mamba = ["mamba", "linear_attention"];
const layerWords = [...mamba, "attention", "full_attention"];

/**
 * `GraniteMoeHybridForCausalLM` of transformers, IBM's Granite 4: layers of Mamba-2 or attention, each with an MLP, or with experts and
 * an MLP beside them. Models of attention alone have this type too.
 */
export const graniteMoeHybrid = hybridArchitecture({
  format: "granitemoehybrid",
  prefix: "model.",
  matches: (json) => json["model_type"] === "granitemoehybrid",
  fromConfig: (fields, tensors) => {
    fields.only("hidden_act", ["silu", "swish"]);
    fields.only("normalization_function", ["rmsnorm"]);
    const model = modelFields(fields, tensors, [table]);
    const { dModel, initializerRange } = model;
    const nLayers = fields.layerCount("num_hidden_layers") ?? fields.missing("num_hidden_layers");
    const rmsNormEps = fields.number("rms_norm_eps") ?? 1e-6;
    const common = { dModel, nLayers, initializerRange };
    const kinds = fields.words(fields.either("layer_types", "layers_block_type"), layerWords);
    if (kinds && kinds.length !== nLayers)
      fields.wrong(`layer_types has ${kinds.length} layers, num_hidden_layers is ${nLayers}`);
    const isMamba = (i: number) => mamba.includes(kinds?.[i] ?? "mamba");
    const indices = Array.from({ length: nLayers }, (_, i) => i);
    const recurrent = indices.some(isMamba)
      ? prefixedMamba2(fields, common, { normEps: rmsNormEps })
      : undefined;
    const attending = indices.every(isMamba) ? undefined : graniteAttention(fields, common);
    const ffn = feedForward(fields, common);
    const { residualScale, ...scales } = graniteScales(fields);
    return {
      ...model,
      ...scales,
      rmsNormEps,
      layers: layersOf(nLayers, (i) => ({ mixer: isMamba(i) ? recurrent : attending, ffn, residualScale })),
    };
  },
  toConfig: (config, stored) => {
    const mamba2 = firstOf(config, "mamba2");
    const attention = firstOf(config, "attention");
    const ffn = config.layers[0]?.ffn;
    return {
      ...commonFields(config, stored, {
        modelType: "granitemoehybrid",
        className: "GraniteMoeHybridForCausalLM",
      }),
      num_hidden_layers: config.nLayers,
      layer_types: config.layers.map((layer) =>
        mixersOf(layer)[0]?.kind === "attention" ? "attention" : "mamba",
      ),
      hidden_act: "silu",
      normalization_function: "rmsnorm",
      rms_norm_eps: config.rmsNormEps,
      ...(mamba2 && prefixedMamba2Fields(mamba2)),
      // The class needs heads also where no layer has attention.
      ...(attention ? llamaAttentionFields(attention) : { num_attention_heads: 1 }),
      attention_multiplier: attention?.scale ?? 1,
      position_embedding_type: attention?.rotary ? "rope" : "nope",
      ...(attention?.rotary && { rope_theta: attention.rotary.theta }),
      ...feedForwardFields(ffn),
      ...graniteScaleFields(config),
    };
  },
  names: () => ({
    table: [table],
    finalNorm: ["model.norm.weight"],
    layer: (i) => `model.layers.${i}.`,
    tensors: graniteTensors,
  }),
});

/** The factors of all Granite models. */
export function graniteScales(fields: Fields): {
  readonly embeddingScale: number;
  readonly logitScale: number;
  readonly residualScale: number;
} {
  const logitsScaling = fields.number("logits_scaling") ?? 1;
  if (logitsScaling === 0) fields.wrong("the field logits_scaling must not be 0");
  return {
    embeddingScale: fields.number("embedding_multiplier") ?? 1,
    logitScale: 1 / logitsScaling,
    residualScale: fields.number("residual_multiplier") ?? 1,
  };
}

export function graniteScaleFields({ embeddingScale, logitScale, layers }: HybridLMConfig): object {
  return {
    embedding_multiplier: embeddingScale,
    logits_scaling: 1 / logitScale,
    residual_multiplier: layers[0]?.residualScale ?? 1,
  };
}

function graniteAttention(fields: Fields, common: Common) {
  const theta = ropeTheta(fields) ?? 10000;
  const rotary = fields.only("position_embedding_type", ["rope", "nope"]) === "rope" ? { theta } : undefined;
  const scale = fields.number("attention_multiplier") ?? 1;
  return llamaAttention(fields, common, { rotary, scale });
}

function feedForward(fields: Fields, common: Common) {
  const sharedHidden = fields.count("shared_intermediate_size") ?? 1024;
  const count = fields.expertCount("num_local_experts") ?? 8;
  if (count === 0) return mlp({ ...common, dHidden: sharedHidden });
  return experts({
    ...common,
    dHidden: fields.count("intermediate_size") ?? fields.missing("intermediate_size"),
    experts: count,
    perToken: fields.expertCount("num_experts_per_tok") ?? 2,
    scoring: "topSoftmax",
    shared: { dHidden: sharedHidden },
  });
}

function feedForwardFields(ffn: HybridLMConfig["layers"][number]["ffn"]): object {
  const dense = configOf(ffn, "mlp");
  if (dense) {
    const { dHidden } = dense;
    return {
      intermediate_size: dHidden,
      shared_intermediate_size: dHidden,
      num_local_experts: 0,
      num_experts_per_tok: 0,
    };
  }
  const moe = required(configOf(ffn, "experts"), "layers without an MLP or experts");
  return {
    intermediate_size: moe.dHidden,
    shared_intermediate_size: required(moe.shared, "experts without a shared MLP").dHidden,
    num_local_experts: moe.experts,
    num_experts_per_tok: moe.perToken,
  };
}

/** The names of the tensors of a layer. */
export function graniteTensors({ spec, module, place, local }: LayerParameter): LocalTensors {
  if (module === undefined)
    return place === "mixer" ? "input_layernorm.weight" : "post_attention_layernorm.weight";
  if (place === "mixer") return `${module.kind === "attention" ? "self_attn" : "mamba"}.${local}`;
  const moe = configOf(module, "experts");
  const [name, isShared] = moe
    ? [local.replace(/^shared\./, ""), local.startsWith("shared.")]
    : [local, true];
  const joined = isShared ? "shared_mlp.input_linear.weight" : "block_sparse_moe.input_linear.weight";
  const rows = spec.shape.at(-2) ?? 1;
  const start = { "gate_proj.weight": 0, "up_proj.weight": rows }[name];
  if (start !== undefined)
    return isShared
      ? rowsOfJoined(spec, joined, 2 * rows, start)
      : rowsOfExperts(spec, joined, 2 * rows, start);
  if (name === "router.weight") return "block_sparse_moe.router.layer.weight";
  return isShared ? "shared_mlp.output_linear.weight" : "block_sparse_moe.output_linear.weight";
}
