// Names of tensors in GGUF files by those of core's parameters.

export const modelNames: Readonly<Record<string, string>> = {
  "backbone.embeddings.weight": "token_embd.weight",
  "backbone.norm_f.weight": "output_norm.weight",
  "lm_head.weight": "output.weight",
};

/** Parameters of a Mamba-1 block. */
export const mambaNames: Readonly<Record<string, string>> = {
  "in_proj.weight": "ssm_in.weight",
  "conv1d.weight": "ssm_conv1d.weight",
  "conv1d.bias": "ssm_conv1d.bias",
  "x_proj.weight": "ssm_x.weight",
  "dt_proj.weight": "ssm_dt.weight",
  "dt_proj.bias": "ssm_dt.bias",
  A_log: "ssm_a",
  D: "ssm_d",
  "dt_layernorm.weight": "ssm_dt_norm.weight",
  "b_layernorm.weight": "ssm_b_norm.weight",
  "c_layernorm.weight": "ssm_c_norm.weight",
  "out_proj.weight": "ssm_out.weight",
};

/** Parameters of a Mamba-2 block. */
export const mamba2Names: Readonly<Record<string, string>> = {
  "in_proj.weight": "ssm_in.weight",
  "conv1d.weight": "ssm_conv1d.weight",
  "conv1d.bias": "ssm_conv1d.bias",
  dt_bias: "ssm_dt.bias",
  A_log: "ssm_a",
  D: "ssm_d",
  "norm.weight": "ssm_norm.weight",
  "out_proj.weight": "ssm_out.weight",
};

/** Parameters of attention. */
export const attentionNames: Readonly<Record<string, string>> = {
  "q_proj.weight": "attn_q.weight",
  "k_proj.weight": "attn_k.weight",
  "v_proj.weight": "attn_v.weight",
  "o_proj.weight": "attn_output.weight",
  "q_proj.bias": "attn_q.bias",
  "k_proj.bias": "attn_k.bias",
  "v_proj.bias": "attn_v.bias",
  "o_proj.bias": "attn_output.bias",
};

/** Parameters of an MLP. */
export const mlpNames: Readonly<Record<string, string>> = {
  "gate_proj.weight": "ffn_gate.weight",
  "up_proj.weight": "ffn_up.weight",
  "down_proj.weight": "ffn_down.weight",
  "gate_proj.bias": "ffn_gate.bias",
  "up_proj.bias": "ffn_up.bias",
  "down_proj.bias": "ffn_down.bias",
};

/** Parameters of experts. */
export const expertsNames: Readonly<Record<string, string>> = {
  "router.weight": "ffn_gate_inp.weight",
  "router.bias": "exp_probs_b.bias",
  "gate_proj.weight": "ffn_gate_exps.weight",
  "up_proj.weight": "ffn_up_exps.weight",
  "down_proj.weight": "ffn_down_exps.weight",
  "latent_in_proj.weight": "ffn_latent_down.weight",
  "latent_out_proj.weight": "ffn_latent_up.weight",
  "shared.gate_proj.weight": "ffn_gate_shexp.weight",
  "shared.up_proj.weight": "ffn_up_shexp.weight",
  "shared.down_proj.weight": "ffn_down_shexp.weight",
};
