import { experts, mlp, type ModuleSpec } from "@mamba/core";
import type { Fields } from "../json/fields.ts";
import { graniteScales, graniteScaleFields, graniteTensors } from "./graniteMoeHybrid.ts";
import { commonFields } from "./hubConfig.ts";
import { hybridArchitecture } from "./hybrid/hybridForm.ts";
import {
  type Common,
  layersOf,
  llamaAttention,
  llamaAttentionFields,
  modelFields,
  ropeTheta,
} from "./hybrid/hubFields.ts";
import type { LayerParameter, LocalTensors } from "./hybrid/hubSources.ts";
import { configOf, firstOf, required } from "./hybrid/modules.ts";

const table = "model.embed_tokens.weight";

interface Form<F extends string> {
  readonly format: F;
  readonly className: string;
  /** The modules behind the attention of each layer. */
  readonly feedForward: (fields: Fields, common: Common) => ModuleSpec;
  readonly feedForwardFields: (ffn: ModuleSpec | undefined) => object;
}

/** `GraniteForCausalLM` and `GraniteMoeForCausalLM` of transformers: layers of attention with rotary positions. */
function graniteForm<F extends string>({ format, className, feedForward, feedForwardFields }: Form<F>) {
  return hybridArchitecture({
    format,
    prefix: "model.",
    matches: (json) => json["model_type"] === format,
    fromConfig: (fields, tensors) => {
      fields.only("hidden_act", ["silu", "swish"]);
      const model = modelFields(fields, tensors, [table]);
      const { dModel, initializerRange } = model;
      const nLayers = fields.layerCount("num_hidden_layers") ?? fields.missing("num_hidden_layers");
      const common = { dModel, nLayers, initializerRange };
      const { residualScale, ...scales } = graniteScales(fields);
      const mixer = llamaAttention(fields, common, {
        rotary: { theta: ropeTheta(fields) ?? 10000 },
        scale: fields.number("attention_multiplier") ?? 1,
      });
      const layer = { mixer, ffn: feedForward(fields, common), residualScale };
      const rmsNormEps = fields.number("rms_norm_eps") ?? 1e-6;
      return { ...model, ...scales, rmsNormEps, layers: layersOf(nLayers, () => layer) };
    },
    toConfig: (config, stored) => {
      const attention = required(firstOf(config, "attention"), "no attention");
      const { theta } = required(attention.rotary, "attention without rotary positions");
      return {
        ...commonFields(config, stored, { modelType: format, className }),
        num_hidden_layers: config.nLayers,
        hidden_act: "silu",
        rms_norm_eps: config.rmsNormEps,
        ...llamaAttentionFields(attention),
        attention_multiplier: attention.scale,
        rope_theta: theta,
        ...feedForwardFields(config.layers[0]?.ffn),
        ...graniteScaleFields(config),
      };
    },
    names: () => ({
      table: [table],
      finalNorm: ["model.norm.weight"],
      layer: (i) => `model.layers.${i}.`,
      tensors: denseTensors,
    }),
  });
}

function denseTensors(parameter: LayerParameter): LocalTensors {
  return configOf(parameter.module, "mlp") ? `mlp.${parameter.local}` : graniteTensors(parameter);
}

export const granite = graniteForm({
  format: "granite",
  className: "GraniteForCausalLM",
  feedForward: (fields, common) =>
    mlp({
      ...common,
      dHidden: fields.count("intermediate_size") ?? fields.missing("intermediate_size"),
      bias: fields.boolean("mlp_bias") ?? false,
    }),
  feedForwardFields: (ffn) => {
    const { dHidden, bias } = required(configOf(ffn, "mlp"), "layers without an MLP");
    return { intermediate_size: dHidden, mlp_bias: bias };
  },
});

export const graniteMoe = graniteForm({
  format: "granitemoe",
  className: "GraniteMoeForCausalLM",
  feedForward: (fields, common) =>
    experts({
      ...common,
      dHidden: fields.count("intermediate_size") ?? fields.missing("intermediate_size"),
      experts: fields.expertCount("num_local_experts") ?? 8,
      perToken: fields.expertCount("num_experts_per_tok") ?? 2,
      scoring: "topSoftmax",
    }),
  feedForwardFields: (ffn) => {
    const moe = required(configOf(ffn, "experts"), "layers without experts");
    return {
      intermediate_size: moe.dHidden,
      num_local_experts: moe.experts,
      num_experts_per_tok: moe.perToken,
    };
  },
});
