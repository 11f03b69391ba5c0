import { type AttentionConfig, type Mamba2Config, mlp, type MlpConfig } from "@mamba/core";
import type { Fields } from "../json/fields.ts";
import { commonFields } from "./hubConfig.ts";
import { hybridArchitecture } from "./hybrid/hybridForm.ts";
import {
  layersOf,
  llamaAttention,
  llamaAttentionFields,
  modelFields,
  prefixedMamba2,
  prefixedMamba2Fields,
  ropeTheta,
} from "./hybrid/hubFields.ts";
import { llamaTensors } from "./hybrid/llamaTensors.ts";
import { configOf, firstOf, required } from "./hybrid/modules.ts";

const table = "model.embed_tokens.weight";

/**
 * `FalconH1ForCausalLM` of transformers: Mamba-2 and attention in parallel in each layer, then an MLP, with a factor at each
 * projection. The factors are not multiplied into the weights: they become those of the modules.
 */
export const falconH1 = hybridArchitecture({
  format: "falcon_h1",
  prefix: "model.",
  matches: (json) => json["model_type"] === "falcon_h1",
  fromConfig: (fields, tensors) => {
    fields.only("hidden_act", ["silu", "swish"]);
    const model = modelFields(fields, tensors, [table]);
    const { dModel, initializerRange } = model;
    const nLayers = fields.layerCount("num_hidden_layers") ?? fields.missing("num_hidden_layers");
    const rmsNormEps = fields.number("rms_norm_eps") ?? 1e-5;
    const common = { dModel, nLayers, initializerRange };
    const factor = (key: string) => fields.number(key) ?? 1;
    const [gateScale = 1, downScale = 1] = factors(fields, "mlp_multipliers", 2);

    const bias = fields.boolean("mamba_proj_bias") ?? false;
    const ssmIn = factor("ssm_in_multiplier");
    checkBias(fields, bias, "mamba_proj_bias", ssmIn, "ssm_in_multiplier");
    const [z = 1, x = 1, B = 1, C = 1, dt = 1] = factors(fields, "ssm_multipliers", 5).map(
      (one) => one * ssmIn,
    );
    const order = (fields.boolean("mamba_norm_before_gate") ?? true) ? "normFirst" : "gateFirst";
    const mamba2 = prefixedMamba2(fields, common, {
      norm: (fields.boolean("mamba_rms_norm") ?? false) ? order : "none",
      normEps: rmsNormEps,
      outBias: fields.boolean("projectors_bias") ?? false,
      scales: { z, x, B, C, dt },
      outputScale: factor("ssm_out_multiplier"),
    });

    const attentionIn = factor("attention_in_multiplier");
    const attentionBias = fields.boolean("attention_bias") ?? false;
    checkBias(fields, attentionBias, "attention_bias", attentionIn, "attention_in_multiplier");
    const heads = fields.count("num_attention_heads") ?? fields.missing("num_attention_heads");
    const headDim = fields.count("head_dim") ?? dModel / heads;
    const attention = llamaAttention(fields, common, {
      rotary: { theta: ropeTheta(fields) ?? 100000 },
      scale: headDim ** -0.5 * (attentionIn * attentionIn * factor("key_multiplier")),
      outputScale: attentionIn * factor("attention_out_multiplier"),
    });

    const ffn = mlp({
      ...common,
      dHidden: fields.count("intermediate_size") ?? fields.missing("intermediate_size"),
      bias: fields.boolean("mlp_bias") ?? false,
      gateScale,
      outputScale: downScale,
    });
    const layer = { mixer: [mamba2, attention], ffn };
    return {
      ...model,
      rmsNormEps,
      embeddingScale: factor("embedding_multiplier"),
      logitScale: factor("lm_head_multiplier"),
      layers: layersOf(nLayers, () => layer),
    };
  },
  toConfig: (config, stored) => {
    const mamba2 = required(firstOf(config, "mamba2"), "no Mamba-2 blocks");
    const attention = required(firstOf(config, "attention"), "no attention");
    const ffn = required(configOf(config.layers[0]?.ffn, "mlp"), "layers without an MLP");
    return {
      ...commonFields(config, stored, { modelType: "falcon_h1", className: "FalconH1ForCausalLM" }),
      num_hidden_layers: config.nLayers,
      hidden_act: "silu",
      rms_norm_eps: config.rmsNormEps,
      ...mambaFields(mamba2),
      ...attentionFields(attention),
      ...mlpFields(ffn),
      embedding_multiplier: config.embeddingScale,
      lm_head_multiplier: config.logitScale,
    };
  },
  names: () => ({
    table: [table],
    finalNorm: ["model.final_layernorm.weight"],
    layer: (i) => `model.layers.${i}.`,
    tensors: llamaTensors,
  }),
});

function factors(fields: Fields, key: string, count: number): readonly number[] {
  return fields.numbers(key, `${count} finite numbers`, (values) => values.length === count) ?? [];
}

/** A factor of the input of a projection does not multiply its bias, as a factor of the output does. */
function checkBias(fields: Fields, bias: boolean, biasKey: string, value: number, key: string): void {
  if (bias && value !== 1) fields.unsupported(`${biasKey} true and ${key} ${value}`);
}

function mambaFields(config: Mamba2Config): object {
  const { z, x, B, C, dt } = config.scales;
  return {
    ...prefixedMamba2Fields(config),
    mamba_d_ssm: config.dInner,
    mamba_rms_norm: config.norm !== "none",
    mamba_norm_before_gate: config.norm === "normFirst",
    projectors_bias: config.outBias,
    ssm_in_multiplier: 1,
    ssm_multipliers: [z, x, B, C, dt],
    ssm_out_multiplier: config.outputScale,
  };
}

function attentionFields(config: AttentionConfig): object {
  const { headDim, scale, outputScale, rotary } = config;
  return {
    ...llamaAttentionFields(config),
    head_dim: headDim,
    rope_theta: required(rotary, "attention without rotary positions").theta,
    attention_in_multiplier: 1,
    key_multiplier: scale / headDim ** -0.5,
    attention_out_multiplier: outputScale,
  };
}

function mlpFields({ dHidden, bias, gateScale, outputScale }: MlpConfig): object {
  return { intermediate_size: dHidden, mlp_bias: bias, mlp_multipliers: [gateScale, outputScale] };
}
