import { mlp } from "@mamba/core";
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
import { configOf, firstOf, mixersOf, required } from "./hybrid/modules.ts";

const table = "model.embed_tokens.weight";

/** `BambaForCausalLM` of transformers: layers of Mamba-2, some of attention with rotary positions of half of each head, and MLPs. */
export const bamba = hybridArchitecture({
  format: "bamba",
  prefix: "model.",
  matches: (json) => json["model_type"] === "bamba",
  fromConfig: (fields, tensors) => {
    fields.only("hidden_act", ["silu", "swish"]);
    const model = modelFields(fields, tensors, [table]);
    const { dModel, initializerRange } = model;
    const nLayers = fields.layerCount("num_hidden_layers") ?? fields.missing("num_hidden_layers");
    const rmsNormEps = fields.number("rms_norm_eps") ?? 1e-5;
    const common = { dModel, nLayers, initializerRange };
    const isIndex = (value: number) => Number.isInteger(value) && value >= 0 && value < nLayers;
    const attending = new Set(
      fields.numbers("attn_layer_indices", `a list of numbers of layers below ${nLayers}`, (values) =>
        values.every(isIndex),
      ),
    );
    const theta = ropeTheta(fields) ?? 10000;
    const heads = fields.count("num_attention_heads") ?? fields.missing("num_attention_heads");
    const half = (fields.number("partial_rotary_factor") ?? 0.5) * (dModel / heads);
    const dim = fields.count("attn_rotary_emb") ?? Math.trunc(half);
    const attention =
      attending.size > 0 ? llamaAttention(fields, common, { rotary: { theta, dim } }) : undefined;
    const recurrent = prefixedMamba2(fields, common, { normEps: rmsNormEps });
    const ffn = mlp({
      ...common,
      dHidden: fields.count("intermediate_size") ?? fields.missing("intermediate_size"),
      bias: fields.boolean("mlp_bias") ?? false,
    });
    const mixerOf = (i: number) => (attending.has(i) ? attention : recurrent);
    return { ...model, rmsNormEps, layers: layersOf(nLayers, (i) => ({ mixer: mixerOf(i), ffn })) };
  },
  toConfig: (config, stored) => {
    const mamba2 = required(firstOf(config, "mamba2"), "no Mamba-2 blocks");
    const attention = firstOf(config, "attention");
    const ffn = required(configOf(config.layers[0]?.ffn, "mlp"), "layers without an MLP");
    const indices = config.layers.flatMap((layer, i) =>
      mixersOf(layer)[0]?.kind === "attention" ? [i] : [],
    );
    return {
      ...commonFields(config, stored, { modelType: "bamba", className: "BambaForCausalLM" }),
      num_hidden_layers: config.nLayers,
      attn_layer_indices: indices,
      hidden_act: "silu",
      rms_norm_eps: config.rmsNormEps,
      ...prefixedMamba2Fields(mamba2),
      ...(attention ? llamaAttentionFields(attention) : { num_attention_heads: 1 }),
      ...(attention?.rotary && { rope_theta: attention.rotary.theta, attn_rotary_emb: attention.rotary.dim }),
      ...(attention?.rotary && { partial_rotary_factor: attention.rotary.dim / attention.headDim }),
      intermediate_size: ffn.dHidden,
      mlp_bias: ffn.bias,
    };
  },
  names: () => ({
    table: [table],
    finalNorm: ["model.final_layernorm.weight"],
    layer: (i) => `model.layers.${i}.`,
    tensors: llamaTensors,
  }),
});
