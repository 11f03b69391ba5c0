import { experts, type LayerSpec, mamba, type MambaConfig, mlp } from "@mamba/core";
import type { Fields } from "../json/fields.ts";
import type { TensorShapes } from "./architecture.ts";
import { commonFields } from "./hubConfig.ts";
import { hybridArchitecture } from "./hybrid/hybridForm.ts";
import {
  type Common,
  layersOf,
  llamaAttention,
  llamaAttentionFields,
  modelFields,
} from "./hybrid/hubFields.ts";
import { type LayerParameter, type LocalTensors, perExpert, rowsOfExperts } from "./hybrid/hubSources.ts";
import { llamaTensors } from "./hybrid/llamaTensors.ts";
import { configOf, firstOf, mixersOf, required } from "./hybrid/modules.ts";

const table = "model.embed_tokens.weight";

/** `JambaForCausalLM` of transformers: layers of Mamba-1 with inner norms, some of attention without positions, and MLPs or experts. */
export const jamba = hybridArchitecture({
  format: "jamba",
  prefix: "model.",
  matches: (json) => json["model_type"] === "jamba",
  fromConfig: (fields, tensors) => {
    fields.only("hidden_act", ["silu", "swish"]);
    const model = modelFields(fields, tensors, [table]);
    const { dModel, initializerRange } = model;
    const nLayers = fields.layerCount("num_hidden_layers") ?? fields.missing("num_hidden_layers");
    const rmsNormEps = fields.number("rms_norm_eps") ?? 1e-6;
    const common = { dModel, nLayers, initializerRange };
    const isAttention = every(fields, "attn_layer", 8, 4);
    const recurrent = mambaOf(fields, common, rmsNormEps);
    const attention = llamaAttention(fields, common, { bias: false });

    const dHidden = fields.count("intermediate_size") ?? fields.missing("intermediate_size");
    const count = fields.expertCount("num_experts") ?? 16;
    const isMoe = every(fields, "expert_layer", 2, 1);
    const dense = mlp({ ...common, dHidden });
    const perToken = fields.expertCount("num_experts_per_tok") ?? 2;
    const moe = count > 1 ? experts({ ...common, dHidden, experts: count, perToken }) : dense;
    const layer = (i: number): LayerSpec => ({
      mixer: isAttention(i) ? attention : recurrent,
      ffn: isMoe(i) ? moe : dense,
    });
    return { ...model, rmsNormEps, layers: layersOf(nLayers, layer) };
  },
  toConfig: (config, stored) => {
    const block = required(firstOf(config, "mamba"), "no Mamba blocks");
    const attention = firstOf(config, "attention");
    const moe = firstOf(config, "experts");
    const { dHidden } = required(firstOf(config, "mlp") ?? moe, "layers without an MLP or experts");
    return {
      ...commonFields(config, stored, { modelType: "jamba", className: "JambaForCausalLM" }),
      num_hidden_layers: config.nLayers,
      hidden_act: "silu",
      rms_norm_eps: config.rmsNormEps,
      ...periodOf("attn_layer", config.layers, (layer) => mixersOf(layer)[0]?.kind === "attention"),
      ...(attention ? llamaAttentionFields(attention) : { num_attention_heads: 1 }),
      ...mambaFields(block),
      intermediate_size: dHidden,
      ...periodOf("expert_layer", config.layers, ({ ffn }) => ffn?.kind === "experts"),
      num_experts: moe?.experts ?? 1,
      num_experts_per_tok: moe?.perToken ?? 1,
    };
  },
  names: (_, tensors) => ({
    table: [table],
    finalNorm: ["model.final_layernorm.weight"],
    layer: (i) => `model.layers.${i}.`,
    tensors: (parameter) => jambaTensors(parameter, tensors),
  }),
});

/** True for the layers `offset`, `offset + period`, …, by the fields `<key>_period` and `<key>_offset`. */
function every(fields: Fields, key: string, period: number, offset: number): (layer: number) => boolean {
  const step = fields.index(`${key}_period`) ?? period;
  const first = fields.index(`${key}_offset`) ?? offset;
  if (step === 0) fields.wrong(`the field ${key}_period must be above 0`);
  return (layer) => layer % step === first;
}

/** The fields of a period with which `every` gives the layers that `holds` is true for, where there is one. */
function periodOf(key: string, layers: readonly LayerSpec[], holds: (layer: LayerSpec) => boolean): object {
  const [offset = layers.length, second] = layers.flatMap((layer, i) => (holds(layer) ? [i] : []));
  const period = second === undefined ? layers.length + 1 : second - offset;
  return { [`${key}_period`]: period, [`${key}_offset`]: offset };
}

function mambaOf(fields: Fields, common: Common & { readonly nLayers: number }, rmsNormEps: number) {
  const expand = fields.number("mamba_expand") ?? 2;
  return mamba({
    ...common,
    rmsNormEps,
    dInner: Math.trunc(expand * common.dModel),
    dState: fields.count("mamba_d_state"),
    dConv: fields.count("mamba_d_conv"),
    dtRank: fields.get("mamba_dt_rank") === "auto" ? undefined : fields.count("mamba_dt_rank"),
    convBias: fields.boolean("mamba_conv_bias") ?? true,
    bias: fields.boolean("mamba_proj_bias") ?? false,
    innerNorms: "weighted",
  });
}

function mambaFields(block: MambaConfig): object {
  return {
    mamba_expand: block.dInner / block.dModel,
    mamba_d_state: block.dState,
    mamba_d_conv: block.dConv,
    mamba_dt_rank: block.dtRank,
    mamba_conv_bias: block.convBias,
    mamba_proj_bias: block.bias,
    use_mamba_kernels: false,
  };
}

function jambaTensors(parameter: LayerParameter, tensors: TensorShapes | undefined): LocalTensors {
  const { spec, module, local } = parameter;
  const moe = configOf(module, "experts");
  if (!moe) return llamaTensors(parameter);
  if (local === "router.weight") return `feed_forward.${local}`;
  const [, layer = ""] = /^backbone\.(layers\.\d+\.)/.exec(spec.name) ?? [];
  const joined = "feed_forward.experts.gate_up_proj";
  if (!tensors?.has(`model.${layer}${joined}`))
    return perExpert(spec, (expert) => `feed_forward.experts.${expert}.${local}`);
  // The form that transformers 5 has in memory.
  if (local === "down_proj.weight") return "feed_forward.experts.down_proj";
  return rowsOfExperts(spec, joined, 2 * moe.dHidden, local === "gate_proj.weight" ? 0 : moe.dHidden);
}
