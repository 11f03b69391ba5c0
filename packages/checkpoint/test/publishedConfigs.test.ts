import { isHybrid, parameterSpecs } from "@mamba/core";
import { elementCount } from "@mamba/kernel";
import { describe, expect, test } from "vitest";
import { configOf, firstOf, mixersOf } from "../src/architectures/hybrid/modules.ts";
import { hubConfig, parseConfig } from "../src/index.ts";
import { refusal } from "./support/folders.ts";

// The config.json files of published models, written from their cards and from descriptions of them. The comment "uncertain" marks
// what these do not say.

const parse = (text: string) => parseConfig(new TextEncoder().encode(text));

const timeSteps = `"time_step_floor": 0.0001, "time_step_limit": [0.0, Infinity], "time_step_max": 0.1, "time_step_min": 0.001`;

const granite = {
  architectures: ["GraniteMoeHybridForCausalLM"],
  attention_bias: false,
  attention_dropout: 0.0,
  bos_token_id: 100257,
  embedding_multiplier: 12,
  eos_token_id: 100257,
  hidden_act: "silu",
  initializer_range: 0.1,
  mamba_chunk_size: 256,
  mamba_conv_bias: true,
  mamba_d_conv: 4,
  mamba_d_state: 128,
  mamba_expand: 2,
  mamba_n_groups: 1,
  mamba_n_heads: 48,
  mamba_proj_bias: false,
  max_position_embeddings: 32768,
  model_type: "granitemoehybrid",
  normalization_function: "rmsnorm",
  num_experts_per_tok: 0,
  num_local_experts: 0,
  output_router_logits: false,
  pad_token_id: 100256,
  position_embedding_type: "nope",
  rms_norm_eps: 1e-5,
  rope_scaling: null,
  rope_theta: 10000,
  router_aux_loss_coef: 0.01,
  tie_word_embeddings: true,
  torch_dtype: "bfloat16",
  vocab_size: 100352,
};

const layerTypes = (count: number, attending: readonly number[], words = ["mamba", "attention"]) =>
  Array.from({ length: count }, (_, i) => words[attending.includes(i) ? 1 : 0]);

const h1b = {
  ...granite,
  attention_multiplier: 0.0078125,
  hidden_size: 1536,
  intermediate_size: 4096,
  layer_types: layerTypes(40, [5, 15, 25, 35]),
  logits_scaling: 6,
  mamba_d_head: 64,
  num_attention_heads: 12,
  num_hidden_layers: 40,
  num_key_value_heads: 4,
  residual_multiplier: 0.22,
  shared_intermediate_size: 4096,
};

const falcon = {
  architectures: ["FalconH1ForCausalLM"],
  attention_bias: false,
  attention_in_multiplier: 1.0,
  attention_out_multiplier: 0.9375,
  embedding_multiplier: 5.656854249492381,
  eos_token_id: 11,
  head_dim: 64,
  hidden_act: "silu",
  key_multiplier: 0.390625,
  lm_head_multiplier: 0.0390625,
  mamba_chunk_size: 128,
  mamba_conv_bias: true,
  mamba_d_conv: 4,
  mamba_expand: 2,
  mamba_n_groups: 1,
  mamba_norm_before_gate: false,
  mamba_proj_bias: false,
  mamba_rms_norm: false,
  mlp_bias: false,
  mlp_multipliers: [0.8838834764831845, 0.5859375],
  model_type: "falcon_h1",
  num_attention_heads: 8,
  num_key_value_heads: 2,
  projectors_bias: false,
  rms_norm_eps: 1e-5,
  rope_scaling: null,
  rope_theta: 100000000000.0,
  ssm_in_multiplier: 1.25,
  ssm_multipliers: [0.3535533905932738, 0.25, 0.3535533905932738, 0.5, 0.3535533905932738],
  ssm_out_multiplier: 0.23570226039551587,
};

/** The fields of a Nemotron-H, whose file is no JSON. */
const nemotron = (fields: object) =>
  JSON.stringify({
    architectures: ["NemotronHForCausalLM"],
    model_type: "nemotron_h",
    attention_bias: false,
    chunk_size: 128,
    conv_kernel: 4,
    eos_token_id: 12,
    expand: 2,
    layer_norm_epsilon: 1e-5,
    mamba_hidden_act: "silu",
    mamba_proj_bias: false,
    mlp_bias: false,
    mlp_hidden_act: "relu2",
    n_groups: 8,
    num_key_value_heads: 8,
    residual_in_fp32: false,
    rope_theta: 10000,
    ssm_state_size: 128,
    tie_word_embeddings: false,
    use_bias: false,
    use_conv_bias: true,
    use_mamba_kernels: true,
    vocab_size: 131072,
    ...fields,
  }).replace(/\}$/, `, ${timeSteps}}`);

/** Name, config.json, format, millions of parameters. */
const published: readonly (readonly [string, string, string, number])[] = [
  [
    "state-spaces/mamba2-130m",
    `{"d_model": 768, "d_intermediate": 0, "n_layer": 24, "vocab_size": 50277, "ssm_cfg": {"layer": "Mamba2"}, "attn_layer_idx": [],
      "attn_cfg": {}, "rms_norm": true, "residual_in_fp32": true, "fused_add_norm": true, "pad_vocab_size_multiple": 16, "tie_embeddings": true}`,
    "state-spaces",
    128.99,
  ],
  [
    "mamba2-130m in the form of transformers",
    `{"architectures": ["Mamba2ForCausalLM"], "chunk_size": 256, "conv_kernel": 4, "eos_token_id": 0, "expand": 2, "head_dim": 64, "hidden_act": "silu",
      "hidden_size": 768, "initializer_range": 0.1, "layer_norm_epsilon": 1e-05, "model_type": "mamba2", "n_groups": 1, "num_heads": 24, "num_hidden_layers": 24,
      "norm_before_gate": true, "rms_norm": true, "state_size": 128, "tie_word_embeddings": true, "time_step_rank": 48, ${timeSteps}, "use_bias": false,
      "use_conv_bias": true, "vocab_size": 50288}`,
    "mamba2",
    128.99,
  ],
  [
    "mistralai/Mamba-Codestral-7B-v0.1",
    `{"architectures": ["Mamba2ForCausalLM"], "bos_token_id": 0, "chunk_size": 256, "conv_kernel": 4, "eos_token_id": 0, "expand": 2, "head_dim": 64,
      "hidden_act": "silu", "hidden_size": 4096, "initializer_range": 0.1, "intermediate_size": 8192, "layer_norm_epsilon": 1e-05, "model_type": "mamba2",
      "n_groups": 8, "norm_before_gate": true, "num_heads": 128, "num_hidden_layers": 64, "rms_norm": true, "state_size": 128, "tie_word_embeddings": false,
      "time_step_rank": 256, ${timeSteps}, "use_bias": false, "use_conv_bias": true, "vocab_size": 32768}`,
    "mamba2",
    7285,
  ],
  [
    "ibm-granite/granite-4.0-h-350m", // uncertain: the places of attention, and the multipliers of residuals and logits
    JSON.stringify({
      ...granite,
      attention_multiplier: 0.015625,
      hidden_size: 768,
      intermediate_size: 2048,
      layer_types: layerTypes(32, [10, 13, 17, 27]),
      logits_scaling: 3,
      mamba_d_head: 32,
      num_attention_heads: 12,
      num_hidden_layers: 32,
      num_key_value_heads: 4,
      residual_multiplier: 0.246,
      shared_intermediate_size: 2048,
    }),
    "granitemoehybrid",
    340.3,
  ],
  ["ibm-granite/granite-4.0-h-1b", JSON.stringify(h1b), "granitemoehybrid", 1462],
  [
    "ibm-granite/granite-4.0-h-1b, saved by transformers 5",
    JSON.stringify({
      ...h1b,
      layer_types: layerTypes(40, [5, 15, 25, 35], ["linear_attention", "full_attention"]),
      rope_theta: undefined,
      rope_parameters: { rope_theta: 10000, rope_type: "default" },
      time_step_limit: [0, { __float__: "Infinity" }],
    }),
    "granitemoehybrid",
    1462,
  ],
  [
    "ibm-granite/granite-4.0-h-tiny",
    JSON.stringify({
      ...h1b,
      intermediate_size: 512,
      num_experts_per_tok: 6,
      num_local_experts: 64,
      shared_intermediate_size: 1024,
    }),
    "granitemoehybrid",
    6939,
  ],
  [
    "ibm-granite/granite-4.0-350m",
    JSON.stringify({
      ...granite,
      attention_multiplier: 0.015625,
      hidden_size: 1024,
      intermediate_size: 2048,
      layer_types: layerTypes(28, [...Array(28).keys()]),
      logits_scaling: 4,
      mamba_n_heads: 128,
      num_attention_heads: 16,
      num_hidden_layers: 28,
      num_key_value_heads: 4,
      position_embedding_type: "rope",
      residual_multiplier: 0.263,
      rope_theta: 10000000,
      shared_intermediate_size: 2048,
    }),
    "granitemoehybrid",
    352.4,
  ],
  [
    "tiiuae/Falcon-H1-0.5B-Instruct",
    JSON.stringify({
      ...falcon,
      hidden_size: 1024,
      intermediate_size: 2048,
      mamba_d_head: 64,
      mamba_d_ssm: 1536,
      mamba_d_state: 128,
      mamba_n_heads: 24,
      num_hidden_layers: 36,
      tie_word_embeddings: false,
      vocab_size: 32784,
    }),
    "falcon_h1",
    521.4,
  ],
  [
    "tiiuae/Falcon-H1-Tiny-90M-Instruct", // uncertain: all sizes; their sum is that of its card
    JSON.stringify({
      ...falcon,
      hidden_size: 512,
      intermediate_size: 768,
      mamba_d_head: 32,
      mamba_d_ssm: 768,
      mamba_d_state: 64,
      mamba_n_heads: 24,
      num_hidden_layers: 24,
      tie_word_embeddings: true,
      vocab_size: 32768,
    }),
    "falcon_h1",
    91.1,
  ],
  [
    "nvidia/NVIDIA-Nemotron-Nano-9B-v2",
    nemotron({
      head_dim: 128,
      hidden_size: 4480,
      hybrid_override_pattern: "M-M-M-MM-M-M-M*-M-M-M*-M-M-M-M*-M-M-M-M*-M-MM-M-M-M-M-M-",
      intermediate_size: 15680,
      mamba_head_dim: 80,
      mamba_num_heads: 128,
      num_attention_heads: 40,
      num_hidden_layers: 56,
    }),
    "nemotron_h",
    8888,
  ],
  [
    "nvidia/NVIDIA-Nemotron-3-Nano-4B",
    nemotron({
      attention_head_dim: 128,
      hidden_size: 3136,
      hybrid_override_pattern: "M-M-M-MM-M-M*-M-M*-M-M-M*-M-M-MM*-MMM-M-M-",
      intermediate_size: 12544,
      mamba_head_dim: 80,
      mamba_num_heads: 96,
      num_attention_heads: 40,
      num_hidden_layers: 42,
    }),
    "nemotron_h",
    3974,
  ],
  [
    "nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B",
    nemotron({
      head_dim: 128,
      hidden_size: 2688,
      hybrid_override_pattern: "MEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEMEM*EMEMEMEME",
      intermediate_size: 1856,
      mamba_head_dim: 64,
      mamba_num_heads: 64,
      moe_intermediate_size: 1856,
      moe_shared_expert_intermediate_size: 3712,
      n_group: 1,
      n_routed_experts: 128,
      n_shared_experts: 1,
      norm_topk_prob: true,
      num_attention_heads: 32,
      num_experts_per_tok: 6,
      num_hidden_layers: 52,
      num_key_value_heads: 2,
      routed_scaling_factor: 2.5,
      topk_group: 1,
    }),
    "nemotron_h",
    31578,
  ],
  [
    "ai21labs/AI21-Jamba-Reasoning-3B",
    JSON.stringify({
      architectures: ["JambaForCausalLM"],
      attn_layer_offset: 7,
      attn_layer_period: 14,
      bos_token_id: 1,
      eos_token_id: [2, 519],
      expert_layer_offset: 1,
      expert_layer_period: 2,
      hidden_act: "silu",
      hidden_size: 2560,
      intermediate_size: 8192,
      mamba_conv_bias: true,
      mamba_d_conv: 4,
      mamba_d_state: 16,
      mamba_dt_rank: 160,
      mamba_expand: 2,
      mamba_proj_bias: false,
      max_position_embeddings: 262144,
      model_type: "jamba",
      num_attention_heads: 20,
      num_experts: 1,
      num_experts_per_tok: 2,
      num_hidden_layers: 28,
      num_key_value_heads: 1,
      rms_norm_eps: 1e-6,
      tie_word_embeddings: true,
      use_mamba_kernels: true,
      vocab_size: 65536,
    }),
    "jamba",
    3029,
  ],
];

describe.each(published)("%s", (_, text, format, millions) => {
  test("has its format, its parameters, and is written as the same model", () => {
    const parsed = parse(text);
    const { config } = parsed;
    expect(parsed.format).toBe(format);
    const count = parameterSpecs(config).reduce((sum, { shape }) => sum + elementCount(shape), 0);
    expect(Math.abs(count / 1e6 / millions - 1)).toBeLessThan(5e-4);
    const json = JSON.stringify(hubConfig(config, { dtype: "bf16", stopIds: [] }));
    const again = parse(json);
    expect(again.format).toBe(format === "state-spaces" ? "mamba2" : format);
    expect(JSON.stringify(hubConfig(again.config, { dtype: "bf16", stopIds: [] }))).toBe(json);
  });
});

/** A published config with some fields changed, as the model has it. */
function changed(name: string, change: object) {
  const [, text = ""] = published.find(([known]) => known.includes(name)) ?? [];
  const json = JSON.parse(text.replaceAll("Infinity", '{"__float__": "Infinity"}')) as object;
  const { config } = parse(JSON.stringify({ ...json, ...change }));
  if (!isHybrid(config)) throw new Error("expected a list of layers");
  return config;
}

const kindsOf = (config: ReturnType<typeof changed>) =>
  config.layers.map((layer) => [...mixersOf(layer), layer.ffn].find((module) => module)?.kind);

test("Granite's factors: those of the config, its divisor of the logits inverted", () => {
  const config = changed("granite-4.0-h-1b", {});
  expect(config).toMatchObject({ embeddingScale: 12, logitScale: 1 / 6 });
  expect(config.layers[0]).toMatchObject({ residualScale: 0.22 });
  expect(firstOf(config, "attention")).toMatchObject({ scale: 0.0078125, rotary: undefined });
  expect(kindsOf(config).flatMap((kind, i) => (kind === "attention" ? [i] : []))).toEqual([5, 15, 25, 35]);
});

test("a range of delta may be infinite in every form, and is written in that of transformers 5", () => {
  const limit = [0.01, { __float__: "Infinity" }];
  const config = changed("mamba2-130m in the form", { time_step_limit: limit });
  expect(firstOf(config, "mamba2")?.dtLimit).toEqual([0.01, Infinity]);
  expect(hubConfig(config, { dtype: "f32", stopIds: [] })).toMatchObject({ time_step_limit: limit });
  expect(firstOf(changed("mamba2-130m in the form", { time_step_limit: null }), "mamba2")?.dtLimit).toEqual([
    0,
    Infinity,
  ]);
});

test("Nemotron's pattern is right where a list says something else, unless its length fits nothing", () => {
  const list = ["mamba", "mlp", "full_attention"];
  const both = { hybrid_override_pattern: "M*-", layers_block_type: list, num_hidden_layers: 52 };
  expect(kindsOf(changed("Nano-4B", both))).toEqual(["mamba2", "attention", "mlp"]);
  const longer = { ...both, hybrid_override_pattern: "M*-M" };
  expect(kindsOf(changed("Nano-4B", longer))).toEqual(["mamba2", "mlp", "attention"]);
  const listed = { hybrid_override_pattern: null, layers_block_type: null, layer_types: list };
  expect(kindsOf(changed("Nano-4B", listed))).toEqual(["mamba2", "mlp", "attention"]);
});

test("Falcon's factors before a projection: twice in the scale of attention, once in its output and in that of Mamba-2", () => {
  const config = changed("Falcon-H1-0.5B", { attention_in_multiplier: 2 });
  expect(firstOf(config, "attention")).toMatchObject({
    scale: 0.125 * 4 * 0.390625,
    outputScale: 2 * 0.9375,
  });
  expect(firstOf(config, "mamba2")?.scales.dt).toBe(0.3535533905932738 * 1.25);
});

test("Jamba's experts are in every second layer", () => {
  const config = changed("Jamba", { num_experts: 4 });
  expect(config.layers.map(({ ffn }) => ffn?.kind).slice(0, 4)).toEqual(["mlp", "experts", "mlp", "experts"]);
  expect(configOf(config.layers[1]?.ffn, "experts")).toMatchObject({ scoring: "softmax", normalize: false });
});

test.each<[string, string, object, string, string]>([
  ["Nano-4B", "an unknown letter", { hybrid_override_pattern: "M-X" }, "CONFIG", '"X"'],
  ["Nano-4B", "an endless pattern", { hybrid_override_pattern: "M".repeat(5000) }, "CONFIG", "4096"],
  ["Nano-30B", "too many experts", { n_routed_experts: 1e6 }, "CONFIG", "n_routed_experts"],
  ["Nano-30B", "experts in groups", { n_group: 8, topk_group: 4 }, "UNSUPPORTED_MODEL", "topk_group"],
  ["Nano-9B", "another activation", { mlp_hidden_act: "gelu" }, "CONFIG", "mlp_hidden_act"],
  ["granite-4.0-h-1b", "too few layer types", { layer_types: ["mamba"] }, "CONFIG", "layer_types"],
  ["granite-4.0-h-1b", "an unknown layer type", { layer_types: ["conv"] }, "CONFIG", "layer_types"],
  ["granite-4.0-h-1b", "too many layers", { num_hidden_layers: 2 ** 31 }, "CONFIG", "num_hidden_layers"],
  [
    "granite-4.0-350m",
    "scaled positions",
    { rope_scaling: { rope_type: "yarn" } },
    "UNSUPPORTED_MODEL",
    "yarn",
  ],
  ["granite-4.0-h-1b", "heads that are no divisor", { mamba_n_heads: 47 }, "CONFIG", "headDim"],
  ["Falcon-H1-0.5B", "too few factors", { ssm_multipliers: [1, 2] }, "CONFIG", "ssm_multipliers"],
  [
    "Falcon-H1-0.5B",
    "a factor before a projection with a bias",
    { attention_bias: true, attention_in_multiplier: 0.5 },
    "UNSUPPORTED_MODEL",
    "attention_bias",
  ],
  ["Jamba", "a period of 0", { attn_layer_period: 0 }, "CONFIG", "attn_layer_period"],
  [
    "mamba2-130m in the form",
    "a range in descending order",
    { time_step_limit: [2, 1] },
    "CONFIG",
    "time_step_limit",
  ],
])("%s with %s is refused", async (name, _, change, code, words) => {
  const error = await refusal(() => Promise.resolve().then(() => changed(name, change)));
  expect(error).toMatchObject({ code, message: expect.stringContaining(words) as string });
});
