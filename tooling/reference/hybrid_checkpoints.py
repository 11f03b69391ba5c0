"""Tiny Mamba-2 models and hybrids as Hugging Face checkpoint folders, with their answers and the gradients of their parameters."""

import json
import math

import torch
import torch.nn.functional as F

from hybrid_reference import MODELS
from safetensors_file import to_bytes

PROMPT_LENGTHS = (12, 5)
GENERATED = 20
M, VOCAB = 16, 96

COMMON = {"bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0, "torch_dtype": "float32", "vocab_size": VOCAB, "hidden_size": M}
ATTENTION = {"num_attention_heads": 4, "num_key_value_heads": 2}
MAMBA = {
    "mamba_n_heads": 4, "mamba_d_head": 8, "mamba_n_groups": 1, "mamba_d_state": 8, "mamba_d_conv": 4, "mamba_expand": 2,
    "mamba_chunk_size": 256, "mamba_conv_bias": True, "mamba_proj_bias": False,
}  # fmt: skip


def mamba2(groups, tied):
    return {
        **COMMON, "architectures": ["Mamba2ForCausalLM"], "model_type": "mamba2", "num_hidden_layers": 3, "state_size": 8,
        "num_heads": 4, "head_dim": 8, "n_groups": groups, "expand": 2, "conv_kernel": 4, "use_bias": False,
        "use_conv_bias": True, "hidden_act": "silu", "layer_norm_epsilon": 1e-5, "time_step_limit": [0.0, math.inf],
        "time_step_min": 0.001, "time_step_max": 0.1, "time_step_floor": 0.0001, "time_step_rank": 1, "chunk_size": 256,
        "norm_before_gate": True, "rms_norm": True, "residual_in_fp32": True, "rescale_prenorm_residual": False,
        "initializer_range": 0.1, "tie_word_embeddings": tied,
    }  # fmt: skip


def granite(layers, positions, experts):
    return {
        **COMMON, **ATTENTION, **MAMBA, "architectures": ["GraniteMoeHybridForCausalLM"], "model_type": "granitemoehybrid",
        "num_hidden_layers": len(layers), "layer_types": layers, "rms_norm_eps": 1e-5, "hidden_act": "silu",
        "shared_intermediate_size": 24, "intermediate_size": 12 if experts else 24, "num_local_experts": experts,
        "num_experts_per_tok": 2 if experts else 0, "embedding_multiplier": 3.0, "residual_multiplier": 0.6,
        "attention_multiplier": 0.4, "logits_scaling": 1.75, "position_embedding_type": positions, "rope_theta": 1000.0,
        "attention_bias": False, "normalization_function": "rmsnorm", "initializer_range": 0.1, "max_position_embeddings": 4096,
        "output_router_logits": False, "router_aux_loss_coef": 0.01, "tie_word_embeddings": True,
    }  # fmt: skip


def falcon_h1(norm, groups, tied):
    return {
        **COMMON, **ATTENTION, **MAMBA, "architectures": ["FalconH1ForCausalLM"], "model_type": "falcon_h1",
        "num_hidden_layers": 3, "mamba_n_groups": groups, "mamba_d_ssm": 24, "mamba_n_heads": 6, "mamba_d_head": 4, "head_dim": 6,
        "mamba_rms_norm": norm, "mamba_norm_before_gate": False, "mamba_use_mlp": True, "projectors_bias": False,
        "attention_bias": False, "mlp_bias": False, "intermediate_size": 40, "hidden_act": "silu", "rms_norm_eps": 1e-5,
        "rope_theta": 100000000000.0, "rope_scaling": None, "embedding_multiplier": 2.8284271, "lm_head_multiplier": 0.3,
        "key_multiplier": 0.390625, "attention_in_multiplier": 1.5, "attention_out_multiplier": 0.9375,
        "ssm_in_multiplier": 1.25, "ssm_out_multiplier": 0.83, "ssm_multipliers": [0.7, 0.5, 0.8, 1.1, 0.6],
        "mlp_multipliers": [0.883883, 0.585938], "initializer_range": 0.1, "max_position_embeddings": 4096,
        "tie_word_embeddings": tied,
    }  # fmt: skip


def nemotron_h(pattern, **moe):
    return {
        **COMMON, **ATTENTION, "architectures": ["NemotronHForCausalLM"], "model_type": "nemotron_h",
        "hybrid_override_pattern": pattern, "num_hidden_layers": len(pattern), "mamba_num_heads": 6, "mamba_head_dim": 6,
        "n_groups": 2, "ssm_state_size": 8, "conv_kernel": 4, "expand": 2, "chunk_size": 128, "use_conv_bias": True,
        "use_bias": False, "mamba_proj_bias": False, "mamba_hidden_act": "silu", "head_dim": 6, "attention_bias": False,
        "intermediate_size": 20, "mlp_hidden_act": "relu2", "mlp_bias": False, "layer_norm_epsilon": 1e-5,
        "rope_theta": 10000, "time_step_limit": [0.0, math.inf], "time_step_min": 0.001, "time_step_max": 0.1,
        "time_step_floor": 0.0001, "residual_in_fp32": False, "rescale_prenorm_residual": True, "initializer_range": 0.1,
        "max_position_embeddings": 4096, "tie_word_embeddings": False, **moe,
    }  # fmt: skip


NEMOTRON_MOE = {
    "n_routed_experts": 5, "n_shared_experts": 1, "num_experts_per_tok": 2, "moe_intermediate_size": 10, "n_group": 1, "topk_group": 1,
    "moe_shared_expert_intermediate_size": 14, "norm_topk_prob": True, "routed_scaling_factor": 2.5,
}  # fmt: skip


def jamba(experts):
    return {
        **COMMON, **ATTENTION, "architectures": ["JambaForCausalLM"], "model_type": "jamba", "num_hidden_layers": 4,
        "attn_layer_period": 4, "attn_layer_offset": 2, "expert_layer_period": 2, "expert_layer_offset": 1,
        "num_experts": experts, "num_experts_per_tok": 2 if experts > 1 else 1, "intermediate_size": 24, "hidden_act": "silu",
        "mamba_d_state": 8, "mamba_d_conv": 4, "mamba_expand": 2, "mamba_dt_rank": 2, "mamba_conv_bias": True,
        "mamba_proj_bias": False, "use_mamba_kernels": True, "rms_norm_eps": 1e-6, "initializer_range": 0.1,
        "max_position_embeddings": 4096, "router_aux_loss_coef": 0.001, "tie_word_embeddings": False,
    }  # fmt: skip


CONFIGS = {
    "lm-mamba2": mamba2(1, True),
    "lm-mamba2-groups": mamba2(2, False),
    "lm-granite": granite(["mamba", "attention", "mamba"], "nope", 0),
    "lm-granite-attention": granite(["attention", "attention"], "rope", 0),
    "lm-granite-moe": granite(["mamba", "attention"], "nope", 5),
    "lm-falcon-h1": falcon_h1(False, 1, False),
    "lm-falcon-h1-norm": falcon_h1(True, 2, True),
    "lm-nemotron-h": nemotron_h("M-M*-M"),
    "lm-nemotron-h-moe": nemotron_h("MEM*E", **NEMOTRON_MOE),
    "lm-nemotron-h-latent": nemotron_h("ME*", **NEMOTRON_MOE, moe_latent_size=8),
    "lm-jamba": jamba(1),
    "lm-jamba-moe": jamba(4),
}


class Tensors(dict):
    """Random tensors by name; `prefix` is set by the layer that adds them."""

    def __init__(self, seed):
        super().__init__()
        self.generator = torch.Generator().manual_seed(seed)
        self.prefix = ""

    def random(self, shape, scale):
        return torch.randn(shape, generator=self.generator, dtype=torch.float64) * scale

    def add(self, name, value):
        self[self.prefix + name] = value.float()

    def matrix(self, name, rows, columns, scale=1.0):
        self.add(f"{name}.weight", self.random((rows, columns), scale * columns**-0.5))

    def gain(self, name, size):
        self.add(f"{name}.weight", 1 + self.random((size,), 0.2))

    def mamba2(self, heads, head_dim, groups, state, norm=True):
        inner, bc = heads * head_dim, groups * state
        self.matrix("in_proj", 2 * inner + 2 * bc + heads, M, 1.5)
        self.add("conv1d.weight", self.random((inner + 2 * bc, 1, 4), 0.5))
        self.add("conv1d.bias", self.random((inner + 2 * bc,), 0.2))
        self.add("dt_bias", self.random((heads,), 0.5) - 1)
        self.add("A_log", self.random((heads,), 0.7))
        self.add("D", self.random((heads,), 0.5))
        if norm:
            self.gain("norm", inner)
        self.matrix("out_proj", M, inner, 1.5)

    def mamba1(self, inner, state, rank):
        self.matrix("in_proj", 2 * inner, M)
        self.add("conv1d.weight", self.random((inner, 1, 4), 0.5))
        self.add("conv1d.bias", self.random((inner,), 0.2))
        self.matrix("x_proj", rank + 2 * state, inner)
        self.matrix("dt_proj", inner, rank)
        self.add("dt_proj.bias", self.random((inner,), 0.5) - 1)
        self.add("A_log", self.random((inner, state), 0.7))
        self.add("D", self.random((inner,), 0.5))
        for name, size in (("dt", rank), ("b", state), ("c", state)):
            self.gain(f"{name}_layernorm", size)
        self.matrix("out_proj", M, inner)

    def attention(self, heads, kv_heads, head_dim):
        for name, rows in (("q_proj", heads), ("k_proj", kv_heads), ("v_proj", kv_heads)):
            self.matrix(name, rows * head_dim, M, 2)
        self.matrix("o_proj", M, heads * head_dim, 1.5)

    def mlp(self, prefix, width, hidden, gated=True):
        for name in ("gate_proj", "up_proj") if gated else ("up_proj",):
            self.matrix(prefix + name, hidden, width, 1.5)
        self.matrix(f"{prefix}down_proj", width, hidden, 1.5)


def add_mamba2(t, c):
    for i in range(c["num_hidden_layers"]):
        t.prefix = f"backbone.layers.{i}."
        t.gain("norm", M)
        t.prefix += "mixer."
        t.mamba2(c["num_heads"], c["head_dim"], c["n_groups"], c["state_size"])


def add_granite(t, c):
    for i, kind in enumerate(c["layer_types"]):
        prefix = f"model.layers.{i}."
        t.prefix = prefix
        t.gain("input_layernorm", M)
        t.gain("post_attention_layernorm", M)
        if kind == "mamba":
            t.prefix = f"{prefix}mamba."
            t.mamba2(c["mamba_n_heads"], c["mamba_d_head"], c["mamba_n_groups"], c["mamba_d_state"])
        else:
            t.prefix = f"{prefix}self_attn."
            t.attention(4, 2, M // 4)
        t.prefix = prefix
        hidden, experts = c["shared_intermediate_size"], c["num_local_experts"]
        t.matrix("shared_mlp.input_linear", 2 * hidden, M, 1.5)
        t.matrix("shared_mlp.output_linear", M, hidden, 1.5)
        if experts:
            own = c["intermediate_size"]
            t.matrix("block_sparse_moe.router.layer", experts, M, 2)
            t.add("block_sparse_moe.input_linear.weight", t.random((experts, 2 * own, M), 0.4))
            t.add("block_sparse_moe.output_linear.weight", t.random((experts, M, own), 0.4))


def add_falcon_h1(t, c):
    for i in range(c["num_hidden_layers"]):
        prefix = f"model.layers.{i}."
        t.prefix = prefix
        t.gain("input_layernorm", M)
        t.gain("pre_ff_layernorm", M)
        t.prefix = f"{prefix}mamba."
        t.mamba2(c["mamba_n_heads"], c["mamba_d_head"], c["mamba_n_groups"], c["mamba_d_state"], c["mamba_rms_norm"])
        t.prefix = f"{prefix}self_attn."
        t.attention(4, 2, c["head_dim"])
        t.prefix = prefix
        t.mlp("feed_forward.", M, c["intermediate_size"])


def add_nemotron_h(t, c):
    for i, kind in enumerate(c["hybrid_override_pattern"]):
        t.prefix = f"backbone.layers.{i}."
        t.gain("norm", M)
        t.prefix += "mixer."
        if kind == "M":
            t.mamba2(c["mamba_num_heads"], c["mamba_head_dim"], c["n_groups"], c["ssm_state_size"])
        elif kind == "*":
            t.attention(4, 2, c["head_dim"])
        elif kind == "-":
            t.mlp("", M, c["intermediate_size"], gated=False)
        else:
            width = c.get("moe_latent_size", M)
            t.matrix("gate", c["n_routed_experts"], M, 2)
            t.add("gate.e_score_correction_bias", t.random((c["n_routed_experts"],), 0.2))
            for e in range(c["n_routed_experts"]):
                t.mlp(f"experts.{e}.", width, c["moe_intermediate_size"], gated=False)
            t.mlp("shared_experts.", M, c["moe_shared_expert_intermediate_size"], gated=False)
            if "moe_latent_size" in c:
                t.matrix("fc1_latent_proj", width, M)
                t.matrix("fc2_latent_proj", M, width)


def add_jamba(t, c):
    for i in range(c["num_hidden_layers"]):
        prefix = f"model.layers.{i}."
        t.prefix = prefix
        t.gain("input_layernorm", M)
        t.gain("pre_ff_layernorm", M)
        if i % c["attn_layer_period"] == c["attn_layer_offset"]:
            t.prefix = f"{prefix}self_attn."
            t.attention(4, 2, M // 4)
        else:
            t.prefix = f"{prefix}mamba."
            t.mamba1(c["mamba_expand"] * M, c["mamba_d_state"], c["mamba_dt_rank"])
        t.prefix = prefix
        if c["num_experts"] > 1 and i % c["expert_layer_period"] == c["expert_layer_offset"]:
            t.matrix("feed_forward.router", c["num_experts"], M, 2)
            for e in range(c["num_experts"]):
                t.mlp(f"feed_forward.experts.{e}.", M, c["intermediate_size"])
        else:
            t.mlp("feed_forward.", M, c["intermediate_size"])


LAYERS = {
    "mamba2": add_mamba2,
    "granitemoehybrid": add_granite,
    "falcon_h1": add_falcon_h1,
    "nemotron_h": add_nemotron_h,
    "jamba": add_jamba,
}
#: Names of the embedding table and the final norm.
ENDS = {
    "mamba2": ("backbone.embeddings", "backbone.norm_f"),
    "granitemoehybrid": ("model.embed_tokens", "model.norm"),
    "falcon_h1": ("model.embed_tokens", "model.final_layernorm"),
    "nemotron_h": ("backbone.embeddings", "backbone.norm_f"),
    "jamba": ("model.embed_tokens", "model.final_layernorm"),
}


def parameters_of(c, seed):
    t = Tensors(seed)
    table, final = ENDS[c["model_type"]]
    tied = c["tie_word_embeddings"]
    # A tied head favours the token just read: small embeddings leave the choice to the layers.
    t.add(f"{table}.weight", t.random((VOCAB, M), 0.15 if tied else 0.5))
    LAYERS[c["model_type"]](t, c)
    t.prefix = ""
    t.gain(final, M)
    if not tied:
        t.add("lm_head.weight", t.random((VOCAB, M), 1.0))
    prompts = [torch.randint(1, VOCAB, (n,), generator=t.generator).tolist() for n in PROMPT_LENGTHS]
    return dict(t), prompts


def answers(c, tensors, prompts):
    """Greedy tokens and logits [prompt + 19, V] for each prompt, or None when they would make a poor golden."""
    model, found = MODELS[c["model_type"]], []
    for prompt in prompts:
        ids = list(prompt)
        for _ in range(GENERATED):
            logits = model(ids, tensors, c)
            ids.append(int(logits[-1].argmax()))
        top = logits[len(prompt) - 1 :].topk(2, -1).values
        new = ids[len(prompt) :]
        # No near-tie that rounding could turn, no end of text, and not one token over and over.
        if float((top[:, 0] - top[:, 1]).min()) < 0.01 or 0 in new or len(set(new)) < 6:
            return None
        found.append((new, logits))
    return found


def gradients(c, tensors, prompt):
    """The mean cross-entropy of the next token over a prompt, and its gradient for every parameter (zeros for the bias of a choice)."""
    trained = {name: value.clone().requires_grad_() for name, value in tensors.items()}
    logits = MODELS[c["model_type"]](prompt[:-1], trained, c)
    loss = F.cross_entropy(logits, torch.tensor(prompt[1:]))
    loss.backward()
    zeros = torch.zeros_like
    return loss.detach().reshape(1), {name: zeros(v) if v.grad is None else v.grad for name, v in trained.items()}


def write_hybrids(folder):
    for name, config in CONFIGS.items():
        seed = 0
        while True:
            stored, prompts = parameters_of(config, seed)
            tensors = {key: value.double() for key, value in stored.items()}
            with torch.no_grad():
                found = answers(config, tensors, prompts)
            if found is not None:
                break
            seed += 1
        path = folder / name
        path.mkdir(parents=True, exist_ok=True)
        (path / "config.json").write_text(json.dumps(dict(sorted(config.items())), indent=2) + "\n")
        (path / "model.safetensors").write_bytes(to_bytes(stored, {"format": "pt"}))
        expected = [
            {"promptIds": prompt, "greedyIds": ids, "logits": f"logits.{i}"}
            for i, (prompt, (ids, _)) in enumerate(zip(prompts, found))
        ]
        (path / "expected.json").write_text(json.dumps({"prompts": expected}) + "\n")
        outputs = {f"logits.{i}": logits for i, (_, logits) in enumerate(found)}
        outputs["loss"], grads = gradients(config, tensors, prompts[0])
        for file, values in (("expected", outputs), ("gradients", grads)):
            floats = {key: value.float() for key, value in values.items()}
            (path / f"{file}.safetensors").write_bytes(to_bytes(floats))
        print(name, "from seed", seed)
