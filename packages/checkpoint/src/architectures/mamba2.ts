import { mamba2 as mamba2Block, type Mamba2ConfigInput } from "@mamba/core";
import { commonFields } from "./hubConfig.ts";
import { hybridArchitecture } from "./hybrid/hybridForm.ts";
import { layersOf, limitFields, modelFields } from "./hybrid/hubFields.ts";
import type { HubNames } from "./hybrid/hubSources.ts";
import { firstOf, required } from "./hybrid/modules.ts";
import { tableNames } from "./mambaParameters.ts";

/** `Mamba2ForCausalLM` of transformers: Mamba-2 blocks alone, as in mamba2-130m and Mamba-Codestral-7B. */
export const mamba2 = hybridArchitecture({
  format: "mamba2",
  prefix: "backbone.",
  matches: (json) => json["model_type"] === "mamba2",
  fromConfig: (fields, tensors) => {
    fields.only("hidden_act", ["silu", "swish"]);
    const model = modelFields(fields, tensors, Object.values(tableNames));
    const { dModel, initializerRange } = model;
    const nLayers = fields.layerCount("num_hidden_layers") ?? fields.missing("num_hidden_layers");
    const rmsNormEps = fields.number("layer_norm_epsilon") ?? 1e-5;
    const block: Mamba2ConfigInput = {
      dModel,
      nLayers,
      initializerRange,
      dInner: Math.trunc((fields.number("expand") ?? 2) * dModel),
      heads: fields.count("num_heads"),
      headDim: fields.count("head_dim"),
      dState: fields.count("state_size"),
      groups: fields.count("n_groups") ?? 8,
      dConv: fields.count("conv_kernel"),
      bias: fields.boolean("use_bias") ?? false,
      convBias: fields.boolean("use_conv_bias") ?? true,
      // `norm_before_gate: true` stands in configs of models that compute the gate first.
      norm: "gateFirst",
      normEps: rmsNormEps,
      dtLimit: fields.range("time_step_limit"),
      dtMin: fields.number("time_step_min"),
      dtMax: fields.number("time_step_max"),
      dtInitFloor: fields.number("time_step_floor"),
    };
    const layer = { mixer: mamba2Block(block) };
    return { ...model, rmsNormEps, layers: layersOf(nLayers, () => layer) };
  },
  toConfig: (config, stored) => {
    const block = required(firstOf(config, "mamba2"), "no Mamba-2 blocks");
    return {
      ...commonFields(config, stored, { modelType: "mamba2", className: "Mamba2ForCausalLM" }),
      num_hidden_layers: config.nLayers,
      num_heads: block.heads,
      head_dim: block.headDim,
      expand: block.dInner / block.dModel,
      state_size: block.dState,
      n_groups: block.groups,
      conv_kernel: block.dConv,
      chunk_size: 256,
      layer_norm_epsilon: config.rmsNormEps,
      rms_norm: true,
      residual_in_fp32: true,
      hidden_act: "silu",
      use_bias: block.bias,
      use_conv_bias: block.convBias,
      ...limitFields(block),
    };
  },
  names: () => mamba2Names,
});

/** The names of the state-spaces code and of transformers, which are core's. */
export const mamba2Names: HubNames = {
  table: [tableNames.hub, tableNames.original],
  finalNorm: ["backbone.norm_f.weight"],
  layer: (i) => `backbone.layers.${i}.`,
  tensors: ({ module, local }) => (module ? `mixer.${local}` : local),
};
