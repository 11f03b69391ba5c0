import {
  attention,
  type AttentionConfig,
  experts,
  type ExpertsConfig,
  type LayerSpec,
  mamba2,
  type Mamba2Config,
  mlp,
} from "@mamba/core";
import { type Fields, maxLayers } from "../json/fields.ts";
import type { TensorShapes } from "./architecture.ts";
import { commonFields } from "./hubConfig.ts";
import { hybridArchitecture } from "./hybrid/hybridForm.ts";
import { type Common, limitFields, llamaAttentionFields, modelFields } from "./hybrid/hubFields.ts";
import { type LayerParameter, type LocalTensors, perExpert } from "./hybrid/hubSources.ts";
import { configOf, firstOf, mixersOf, required } from "./hybrid/modules.ts";
import { tableNames } from "./mambaParameters.ts";

type Kind = "mamba" | "attention" | "mlp" | "moe";

/** Letters of `hybrid_override_pattern`. */
const letters: Readonly<Record<string, Kind>> = { M: "mamba", "*": "attention", "-": "mlp", E: "moe" };
/** Words of `layers_block_type` and `layer_types`: those of transformers before and since version 5. */
const words: Readonly<Record<string, Kind>> = {
  mamba: "mamba",
  linear_attention: "mamba",
  attention: "attention",
  full_attention: "attention",
  mlp: "mlp",
  moe: "moe",
};

/**
 * `NemotronHForCausalLM` of transformers: blocks of one module each, Mamba-2, attention without positions, an MLP of squared ReLU, or
 * experts.
 */
export const nemotronH = hybridArchitecture({
  format: "nemotron_h",
  prefix: "backbone.",
  matches: (json) => json["model_type"] === "nemotron_h",
  fromConfig: (fields, tensors) => {
    fields.only("mamba_hidden_act", ["silu", "swish"]);
    fields.only("mlp_hidden_act", ["relu2"]);
    const model = modelFields(fields, tensors, Object.values(tableNames));
    const { dModel, initializerRange } = model;
    const kinds = layerKinds(fields);
    const rmsNormEps = fields.number(fields.either("layer_norm_epsilon", "rms_norm_eps")) ?? 1e-5;
    const common = { dModel, nLayers: kinds.length, initializerRange };
    const makers: Readonly<Record<Kind, () => LayerSpec>> = {
      mamba: () => ({ mixer: mambaOf(fields, common, rmsNormEps) }),
      attention: () => ({ mixer: attentionOf(fields, common) }),
      mlp: () => {
        const dHidden = fields.count("intermediate_size") ?? fields.missing("intermediate_size");
        const bias = fields.boolean("mlp_bias") ?? false;
        return { ffn: mlp({ ...common, dHidden, activation: "relu2", gated: false, bias }) };
      },
      moe: () => ({ ffn: expertsOf(fields, common) }),
    };
    const made = new Map([...new Set(kinds)].map((kind) => [kind, makers[kind]()]));
    return { ...model, rmsNormEps, layers: kinds.map((kind) => made.get(kind) ?? {}) };
  },
  toConfig: (config, stored) => {
    const block = firstOf(config, "mamba2");
    const attending = firstOf(config, "attention");
    const dense = firstOf(config, "mlp");
    const moe = firstOf(config, "experts");
    const pattern = config.layers.map((layer) => letterOf(layer)).join("");
    return {
      ...commonFields(config, stored, { modelType: "nemotron_h", className: "NemotronHForCausalLM" }),
      num_hidden_layers: config.nLayers,
      hybrid_override_pattern: pattern,
      layer_norm_epsilon: config.rmsNormEps,
      residual_in_fp32: false,
      mamba_hidden_act: "silu",
      mlp_hidden_act: "relu2",
      ...(block && mambaFields(block)),
      ...(attending && attentionFields(attending)),
      ...(dense && { intermediate_size: dense.dHidden, mlp_bias: dense.bias }),
      ...(moe && expertsFields(moe)),
    };
  },
  names: (_, tensors) => ({
    table: [tableNames.hub, tableNames.original],
    finalNorm: ["backbone.norm_f.weight"],
    layer: (i) => `backbone.layers.${i}.`,
    tensors: (parameter) => nemotronTensors(parameter, tensors),
  }),
  skipped: {
    pattern: /^(?:model\.|backbone\.)?mtp\./,
    reason: "it belongs to a head that predicts further tokens",
  },
});

/** The kinds of the blocks. The pattern is right where a list says something else, unless its length fits nothing. */
function layerKinds(fields: Fields): readonly Kind[] {
  const key = fields.either("layers_block_type", "layer_types");
  const listed = fields.words(key, Object.keys(words))?.map((word) => words[word] ?? "mamba");
  const pattern = fields.string("hybrid_override_pattern");
  if (pattern === undefined) return listed ?? fields.missing("hybrid_override_pattern");
  const lengths = [listed?.length, fields.count("num_hidden_layers")];
  if (listed && !lengths.includes(pattern.length)) return listed;
  if (pattern.length < 1 || pattern.length > maxLayers)
    fields.wrong(`hybrid_override_pattern must have 1 to ${maxLayers} letters, got ${pattern.length}`);
  return Array.from(pattern, (letter) => {
    if (Object.hasOwn(letters, letter)) return letters[letter] ?? "mamba";
    return fields.wrong(
      `hybrid_override_pattern has ${JSON.stringify(letter)}; its letters are M, *, - and E`,
    );
  });
}

function letterOf(layer: LayerSpec): string {
  const [module] = [...mixersOf(layer), layer.ffn];
  const kind = { mamba2: "M", attention: "*", mlp: "-", experts: "E" }[module?.kind ?? ""];
  return required(kind, `layers with ${module?.kind ?? "no modules"}`);
}

function mambaOf(fields: Fields, common: Common, normEps: number) {
  const heads = fields.count("mamba_num_heads") ?? 128;
  const headDim = fields.count("mamba_head_dim") ?? 64;
  return mamba2({
    ...common,
    heads,
    headDim,
    dState: fields.count(fields.either("ssm_state_size", "mamba_d_state", "mamba_state_dim")) ?? 128,
    groups: fields.count(fields.either("n_groups", "mamba_n_groups", "mamba_num_groups")) ?? 8,
    dConv: fields.count(fields.either("conv_kernel", "mamba_d_conv")) ?? 4,
    convBias: fields.boolean(fields.either("use_conv_bias", "mamba_conv_bias")) ?? true,
    bias: fields.boolean(fields.either("use_bias", "mamba_proj_bias")) ?? false,
    normEps,
    dtLimit: fields.range(fields.either("time_step_limit", "mamba_dt_limit")),
    dtMin: fields.number(fields.either("time_step_min", "mamba_dt_min")),
    dtMax: fields.number(fields.either("time_step_max", "mamba_dt_max")),
    dtInitFloor: fields.number(fields.either("time_step_floor", "mamba_dt_init_floor")),
  });
}

function mambaFields(block: Mamba2Config): object {
  return {
    mamba_num_heads: block.heads,
    mamba_head_dim: block.headDim,
    ssm_state_size: block.dState,
    n_groups: block.groups,
    conv_kernel: block.dConv,
    chunk_size: 128,
    expand: 2,
    use_bias: block.bias,
    mamba_proj_bias: block.bias,
    use_conv_bias: block.convBias,
    ...limitFields(block),
  };
}

/** Attention has no positions: `rope_theta` stands in configs and is not used. */
function attentionOf(fields: Fields, common: Common) {
  const heads = fields.count("num_attention_heads") ?? fields.missing("num_attention_heads");
  return attention({
    ...common,
    heads,
    kvHeads: fields.count("num_key_value_heads") ?? heads,
    headDim: fields.count(fields.either("head_dim", "attention_head_dim")) ?? common.dModel / heads,
    bias: fields.boolean("attention_bias") ?? false,
  });
}

function attentionFields(config: AttentionConfig): object {
  return { ...llamaAttentionFields(config), head_dim: config.headDim };
}

function expertsOf(fields: Fields, common: Common) {
  const groups = fields.count("n_group") ?? 1;
  if (groups !== (fields.count("topk_group") ?? groups))
    fields.unsupported("a choice among groups of experts, topk_group below n_group");
  const key = "moe_shared_expert_intermediate_size";
  const hasShared = (fields.expertCount("n_shared_experts") ?? 1) > 0;
  return experts({
    ...common,
    dHidden: fields.count("moe_intermediate_size") ?? fields.missing("moe_intermediate_size"),
    experts: fields.expertCount("n_routed_experts") ?? fields.missing("n_routed_experts"),
    perToken: fields.expertCount("num_experts_per_tok") ?? 2,
    scoring: "sigmoid",
    scoreBias: true,
    normalize: fields.boolean("norm_topk_prob") ?? true,
    scale: fields.number("routed_scaling_factor") ?? 1,
    activation: "relu2",
    gated: false,
    shared: hasShared ? { dHidden: fields.count(key) ?? fields.missing(key) } : undefined,
    latent: fields.count("moe_latent_size"),
  });
}

function expertsFields(moe: ExpertsConfig): object {
  return {
    moe_intermediate_size: moe.dHidden,
    n_routed_experts: moe.experts,
    num_experts_per_tok: moe.perToken,
    n_group: 1,
    topk_group: 1,
    norm_topk_prob: moe.normalize,
    routed_scaling_factor: moe.scale,
    n_shared_experts: moe.shared ? 1 : 0,
    ...(moe.shared && { moe_shared_expert_intermediate_size: moe.shared.dHidden }),
    ...(moe.latent !== undefined && { moe_latent_size: moe.latent }),
  };
}

const expertNames: Readonly<Record<string, string>> = {
  "router.weight": "gate.weight",
  "router.bias": "gate.e_score_correction_bias",
  "latent_in_proj.weight": "fc1_latent_proj.weight",
  "latent_out_proj.weight": "fc2_latent_proj.weight",
};

function nemotronTensors(
  { spec, module, local }: LayerParameter,
  tensors: TensorShapes | undefined,
): LocalTensors {
  if (module === undefined) return local;
  if (!configOf(module, "experts")) return `mixer.${local}`;
  if (local.startsWith("shared.")) return `mixer.${local.replace("shared.", "shared_experts.")}`;
  const known = expertNames[local];
  if (known !== undefined) return `mixer.${known}`;
  return expertTensors(spec, "mixer.experts", local, tensors);
}

/** The weights of experts: one tensor each, or one for all of them in the form that transformers 5 has in memory. */
function expertTensors(
  spec: LayerParameter["spec"],
  prefix: string,
  local: string,
  tensors: TensorShapes | undefined,
): LocalTensors {
  const fused = `${prefix}.${local.replace(/\.weight$/, "")}`;
  const [, layer = ""] = /^(backbone\.layers\.\d+\.)/.exec(spec.name) ?? [];
  if (tensors?.has(layer + fused)) return fused;
  return perExpert(spec, (expert) => `${prefix}.${expert}.${local}`);
}
