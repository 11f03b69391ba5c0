"""Mamba-2, attention, and the models made of them, in float64 PyTorch from the formulas: one loop over the positions, nothing fused.

Each model reads its parameters by the names of its Hugging Face checkpoint and its sizes from its config.json, so the mapping of a
loader is tested as well. Shapes: L length, H heads, P head dim, G groups, N state size, K convolution width, M model width.
"""

import math

import torch
import torch.nn.functional as F

from mamba_reference import block as mamba1_block
from mamba_reference import rms_norm


class Weights:
    """Tensors of a checkpoint under a prefix."""

    def __init__(self, tensors, prefix=""):
        self.tensors, self.prefix = tensors, prefix

    def __call__(self, name):
        return self.tensors[self.prefix + name]

    def has(self, name):
        return self.prefix + name in self.tensors

    def under(self, prefix):
        return Weights(self.tensors, self.prefix + prefix)

    def linear(self, name, x):
        y = x @ self(f"{name}.weight").T
        return y + self(f"{name}.bias") if self.has(f"{name}.bias") else y


def causal_conv(x, weight, bias):
    """x [L, channels], weight [channels, 1, K] -> silu(conv) [L, channels]"""
    channels, _, width = weight.shape
    padded = F.pad(x.T, (width - 1, 0))
    return F.silu(F.conv1d(padded[None], weight, bias, groups=channels)[0].T)


def ssd(x, B, C, log_decay, weight):
    """
    x [L, H, P], B and C [L, G, N], log_decay and weight [L, H] -> y [L, H, P]:
    S[t] = exp(log_decay[t]) S[t-1] + weight[t] x[t] (outer) B[t], y[t] = S[t] C[t]; heads h of one group are neighbours.
    """
    length, heads, size = x.shape
    groups = B.shape[1]
    B, C = (v.repeat_interleave(heads // groups, 1) for v in (B, C))  # [L, H, N]
    state = torch.zeros(heads, size, B.shape[2], dtype=x.dtype)
    outputs = []
    for t in range(length):
        state = torch.exp(log_decay[t])[:, None, None] * state
        state = state + (weight[t][:, None] * x[t])[:, :, None] * B[t][:, None, :]
        outputs.append((state * C[t][:, None, :]).sum(-1))
    return torch.stack(outputs)


def grouped_norm(x, weight, eps, groups):
    """RMS norm inside each of `groups` equal ranges of the last axis."""
    ranges = x.reshape(*x.shape[:-1], groups, -1)
    return rms_norm(ranges, None, eps).reshape(x.shape) * weight


def mamba2(
    u, p, heads, head_dim, groups, state, limit=(0.0, math.inf), eps=1e-5, norm=True, scales=None, norm_first=False
):
    """
    The Mamba-2 mixer on u [L, M]; `scales` multiply the z, x, B, C and dt columns of in_proj's output. `norm_first` norms before the
    gate.
    """
    inner, bc = heads * head_dim, groups * state
    z, x, B, C, dt = torch.split(p.linear("in_proj", u), [inner, inner, bc, bc, heads], -1)
    if scales:
        z, x, B, C, dt = (v * s for v, s in zip((z, x, B, C, dt), scales))
    bias = p("conv1d.bias") if p.has("conv1d.bias") else None
    x, B, C = torch.split(causal_conv(torch.cat([x, B, C], -1), p("conv1d.weight"), bias), [inner, bc, bc], -1)
    dt = F.softplus(dt + p("dt_bias")).clamp(*limit)
    by_head = x.reshape(-1, heads, head_dim)
    B, C = (v.reshape(-1, groups, state) for v in (B, C))
    y = ssd(by_head, B, C, -torch.exp(p("A_log")) * dt, dt) + p("D")[:, None] * by_head
    y = y.reshape(-1, inner)
    if norm and norm_first:
        y = grouped_norm(y, p("norm.weight"), eps, groups) * F.silu(z)
    elif norm:
        y = grouped_norm(y * F.silu(z), p("norm.weight"), eps, groups)
    else:
        y = y * F.silu(z)
    return p.linear("out_proj", y)


def rotate(x, angle, interleaved=False):
    """x [L, heads, Dh], angle [L, heads or 1, S]: rotates pairs (i, i + S), or (2i, 2i + 1), of the first 2S of each head."""
    pairs = angle.shape[-1]
    a, b, rest = x[..., :pairs], x[..., pairs : 2 * pairs], x[..., 2 * pairs :]
    if interleaved:
        a, b = x[..., 0 : 2 * pairs : 2], x[..., 1 : 2 * pairs : 2]
    turned = [a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos()]
    first = torch.stack(turned, -1).flatten(-2) if interleaved else torch.cat(turned, -1)
    return torch.cat([first, rest], -1)


def rope(x, theta, dims, interleaved=False):
    """x [L, heads, Dh]: rotates the pairs of the first `dims` of each head by position * theta^(-2i/dims)."""
    rate = theta ** (-torch.arange(dims // 2, dtype=torch.float64) * 2 / dims)
    return rotate(x, torch.arange(x.shape[0], dtype=torch.float64)[:, None, None] * rate, interleaved)


def mamba3(u, p, heads, head_dim, groups, state, pairs, a_floor, eps, out_norm):
    """The Mamba-3 mixer, one input and one output for each head, on u [L, M]; `pairs` of the state rotate."""
    inner, bc = heads * head_dim, groups * state
    columns = [inner, inner, bc, bc, heads, heads, heads, pairs]
    z, v, B, C, dt, a, trap, angle = torch.split(p.linear("in_proj", u), columns, -1)
    v = v.reshape(-1, heads, head_dim)
    dt = F.softplus(dt + p("dt_bias"))
    rate = torch.where(a >= 0, 1 + a, 1 / (1 - a.clamp(max=0))).clamp(min=a_floor)  # -A
    decay, mix = torch.exp(-rate * dt), torch.sigmoid(trap)
    theta = torch.cumsum(torch.pi * torch.tanh(angle)[:, None, :] * dt[:, :, None], 0)  # [L, H, S]

    def by_head(x, name):
        normed = rms_norm(x.reshape(-1, groups, state), p(f"{name}_norm.weight"), eps)
        biased = normed.repeat_interleave(heads // groups, 1) + p(f"{name}_bias")
        return rotate(biased, theta, interleaved=True) if pairs else biased

    k, q = by_head(B, "B"), by_head(C, "C")
    outer = lambda t: v[t][:, :, None] * k[t][:, None, :]
    S = torch.zeros(heads, head_dim, state, dtype=u.dtype)
    outputs = []
    for t in range(len(u)):
        S = decay[t][:, None, None] * S + (mix[t] * dt[t])[:, None, None] * outer(t)
        if t > 0:
            S = S + ((1 - mix[t]) * dt[t] * decay[t])[:, None, None] * outer(t - 1)
        outputs.append((S * q[t][:, None, :]).sum(-1) + p("D")[:, None] * v[t])
    y = torch.stack(outputs).reshape(-1, inner)
    if out_norm:
        y = grouped_norm(y, p("norm.weight"), eps, heads)
    return p.linear("out_proj", y * F.silu(z))


def attention(u, p, heads, kv_heads, head_dim, scale, theta=None, key_scale=1.0, dims=None, interleaved=False):
    """Causal grouped-query attention on u [L, M]; without `theta` there are no positions. `dims` of a head rotate, by default all."""
    split = lambda name, count: p.linear(name, u).reshape(-1, count, head_dim)
    q, k, v = split("q_proj", heads), split("k_proj", kv_heads) * key_scale, split("v_proj", kv_heads)
    if theta is not None:
        q, k = (rope(t, theta, dims or head_dim, interleaved) for t in (q, k))
    k, v = (t.repeat_interleave(heads // kv_heads, 1) for t in (k, v))
    scores = torch.einsum("ihd,jhd->hij", q, k) * scale
    future = torch.ones(len(u), len(u)).triu(1).bool()
    weights = scores.masked_fill(future, -math.inf).softmax(-1)
    return p.linear("o_proj", torch.einsum("hij,jhd->ihd", weights, v).reshape(len(u), -1))


def swiglu(x, p, gate_scale=1.0):
    return p.linear("down_proj", F.silu(p.linear("gate_proj", x) * gate_scale) * p.linear("up_proj", x))


def relu_squared_mlp(x, p):
    return p.linear("down_proj", F.relu(p.linear("up_proj", x)) ** 2)


def fused_glu(x, inputs, outputs):
    """inputs [2I, M]: the rows of the gate, then those of the value."""
    gate, up = (x @ inputs.T).chunk(2, -1)
    return (F.silu(gate) * up) @ outputs.T


def mixture(x, experts, weights, run):
    """x [L, M], experts and weights [L, k]: the weighted sum of `run(expert, x[t])` over the chosen experts of each position."""
    rows = []
    for t in range(len(x)):
        rows.append(sum(w * run(int(e), x[t]) for e, w in zip(experts[t], weights[t])))
    return torch.stack(rows)


def mamba2_model(ids, tensors, c):
    p = Weights(tensors, "backbone.")
    h = p("embeddings.weight")[ids]
    for i in range(c["num_hidden_layers"]):
        layer = p.under(f"layers.{i}.")
        mixed = mamba2(
            rms_norm(h, layer("norm.weight"), c["layer_norm_epsilon"]), layer.under("mixer."),
            c["num_heads"], c["head_dim"], c["n_groups"], c["state_size"], c["time_step_limit"], c["layer_norm_epsilon"],
        )  # fmt: skip
        h = h + mixed
    h = rms_norm(h, p("norm_f.weight"), c["layer_norm_epsilon"])
    return h @ (p("embeddings.weight") if c["tie_word_embeddings"] else tensors["lm_head.weight"]).T


def granite_model(ids, tensors, c):
    p, eps = Weights(tensors, "model."), c["rms_norm_eps"]
    h = p("embed_tokens.weight")[ids] * c["embedding_multiplier"]
    head_dim = c["hidden_size"] // c["num_attention_heads"]
    theta = c["rope_theta"] if c["position_embedding_type"] == "rope" else None
    for i, kind in enumerate(c["layer_types"]):
        layer = p.under(f"layers.{i}.")
        n = rms_norm(h, layer("input_layernorm.weight"), eps)
        if kind == "mamba":
            sizes = (c["mamba_n_heads"], c["mamba_d_head"], c["mamba_n_groups"], c["mamba_d_state"])
            mixed = mamba2(n, layer.under("mamba."), *sizes, eps=eps)
        else:
            sizes = (c["num_attention_heads"], c["num_key_value_heads"], head_dim, c["attention_multiplier"])
            mixed = attention(n, layer.under("self_attn."), *sizes, theta)
        h = h + c["residual_multiplier"] * mixed
        n = rms_norm(h, layer("post_attention_layernorm.weight"), eps)
        f = fused_glu(n, layer("shared_mlp.input_linear.weight"), layer("shared_mlp.output_linear.weight"))
        if c["num_local_experts"] > 0:
            moe = layer.under("block_sparse_moe.")
            top = (n @ moe("router.layer.weight").T).topk(c["num_experts_per_tok"], -1)
            inputs, outputs = moe("input_linear.weight"), moe("output_linear.weight")
            f = f + mixture(n, top.indices, top.values.softmax(-1), lambda e, x: fused_glu(x, inputs[e], outputs[e]))
        h = h + c["residual_multiplier"] * f
    return rms_norm(h, p("norm.weight"), eps) @ p("embed_tokens.weight").T / c["logits_scaling"]


def falcon_h1_model(ids, tensors, c):
    p, eps = Weights(tensors, "model."), c["rms_norm_eps"]
    h = p("embed_tokens.weight")[ids] * c["embedding_multiplier"]
    gate_scale, down_scale = c["mlp_multipliers"]
    for i in range(c["num_hidden_layers"]):
        layer = p.under(f"layers.{i}.")
        n = rms_norm(h, layer("input_layernorm.weight"), eps)
        sizes = (c["mamba_n_heads"], c["mamba_d_head"], c["mamba_n_groups"], c["mamba_d_state"])
        # The input's factor comes before in_proj, which has no bias here.
        mixed = mamba2(
            n * c["ssm_in_multiplier"], layer.under("mamba."), *sizes, eps=eps, norm=c["mamba_rms_norm"], scales=c["ssm_multipliers"]
        )
        sizes = (c["num_attention_heads"], c["num_key_value_heads"], c["head_dim"], c["head_dim"] ** -0.5)
        attended = attention(
            n * c["attention_in_multiplier"], layer.under("self_attn."), *sizes, c["rope_theta"], c["key_multiplier"]
        )
        h = h + mixed * c["ssm_out_multiplier"] + attended * c["attention_out_multiplier"]
        n = rms_norm(h, layer("pre_ff_layernorm.weight"), eps)
        h = h + swiglu(n, layer.under("feed_forward."), gate_scale) * down_scale
    head = tensors["model.embed_tokens.weight" if c["tie_word_embeddings"] else "lm_head.weight"]
    return rms_norm(h, p("final_layernorm.weight"), eps) @ head.T * c["lm_head_multiplier"]


def nemotron_h_model(ids, tensors, c):
    p, eps = Weights(tensors, "backbone."), c["layer_norm_epsilon"]
    h = p("embeddings.weight")[ids]
    for i, kind in enumerate(c["hybrid_override_pattern"]):
        layer = p.under(f"layers.{i}.")
        n, mixer = rms_norm(h, layer("norm.weight"), eps), layer.under("mixer.")
        if kind == "M":
            sizes = (c["mamba_num_heads"], c["mamba_head_dim"], c["n_groups"], c["ssm_state_size"])
            y = mamba2(n, mixer, *sizes, c["time_step_limit"], eps)
        elif kind == "*":
            y = attention(n, mixer, c["num_attention_heads"], c["num_key_value_heads"], c["head_dim"], c["head_dim"] ** -0.5)
        elif kind == "-":
            y = relu_squared_mlp(n, mixer)
        else:
            scores = torch.sigmoid(n @ mixer("gate.weight").T)
            chosen = (scores + mixer("gate.e_score_correction_bias")).topk(c["num_experts_per_tok"], -1).indices
            weights = scores.gather(-1, chosen)
            if c["norm_topk_prob"]:
                weights = weights / (weights.sum(-1, keepdim=True) + 1e-20)
            weights = weights * c["routed_scaling_factor"]
            latent = mixer.linear("fc1_latent_proj", n) if c.get("moe_latent_size") else n
            y = mixture(latent, chosen, weights, lambda e, x: relu_squared_mlp(x, mixer.under(f"experts.{e}.")))
            y = mixer.linear("fc2_latent_proj", y) if c.get("moe_latent_size") else y
            y = y + relu_squared_mlp(n, mixer.under("shared_experts."))
        h = h + y
    return rms_norm(h, p("norm_f.weight"), eps) @ tensors["lm_head.weight"].T


def jamba_model(ids, tensors, c):
    p, eps = Weights(tensors, "model."), c["rms_norm_eps"]
    h = p("embed_tokens.weight")[ids]
    head_dim = c["hidden_size"] // c["num_attention_heads"]
    for i in range(c["num_hidden_layers"]):
        layer = p.under(f"layers.{i}.")
        n = rms_norm(h, layer("input_layernorm.weight"), eps)
        if i % c["attn_layer_period"] == c["attn_layer_offset"]:
            sizes = (c["num_attention_heads"], c["num_key_value_heads"], head_dim, head_dim**-0.5)
            h = h + attention(n, layer.under("self_attn."), *sizes)
        else:
            prefix = f"model.layers.{i}.mamba."
            own = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
            h = h + mamba1_block(n[None], own, "jamba", eps)[0][0]
        n = rms_norm(h, layer("pre_ff_layernorm.weight"), eps)
        ffn = layer.under("feed_forward.")
        if c["num_experts"] > 1 and i % c["expert_layer_period"] == c["expert_layer_offset"]:
            top = (n @ ffn("router.weight").T).softmax(-1).topk(c["num_experts_per_tok"], -1)
            h = h + mixture(n, top.indices, top.values, lambda e, x: swiglu(x, ffn.under(f"experts.{e}.")))
        else:
            h = h + swiglu(n, ffn)
    return rms_norm(h, p("final_layernorm.weight"), eps) @ tensors["lm_head.weight"].T


MODELS = {
    "mamba2": mamba2_model,
    "granitemoehybrid": granite_model,
    "falcon_h1": falcon_h1_model,
    "nemotron_h": nemotron_h_model,
    "jamba": jamba_model,
}
