"""Mamba in float64 PyTorch, written for reading: one loop over the positions, nothing fused.

Shapes: B batch, L length, M model width, E inner width, N state size, R rank of delta, W convolution width.
"""

import torch
import torch.nn.functional as F


def conv(x, weight, bias=None, silu=False, initial=None):
    """Depthwise causal convolution. x [B, L, E], weight [E, W], initial [B, E, W-1] -> y, final state [B, E, W-1]"""
    width = weight.shape[1]
    past = torch.zeros(x.shape[0], x.shape[2], width - 1, dtype=x.dtype) if initial is None else initial
    padded = torch.cat([past, x.transpose(1, 2)], dim=2)
    y = F.conv1d(padded, weight[:, None, :], bias, groups=weight.shape[0]).transpose(1, 2)
    return (F.silu(y) if silu else y), padded[:, :, padded.shape[2] - (width - 1) :]


def scan(u, delta, A, B, C, D=None, z=None, delta_bias=None, delta_softplus=False, initial=None):
    """Selective scan. u, delta, z [B, L, E], A [E, N], B, C [B, L, N], initial [B, E, N] -> y, final state [B, E, N]"""
    batch, length, inner = u.shape
    h = torch.zeros(batch, inner, A.shape[1], dtype=u.dtype) if initial is None else initial
    dt = delta if delta_bias is None else delta + delta_bias
    if delta_softplus:
        dt = F.softplus(dt, threshold=20)
    outputs = []
    for l in range(length):
        h = torch.exp(dt[:, l, :, None] * A) * h + (dt[:, l] * u[:, l])[:, :, None] * B[:, l, None, :]
        y = (h * C[:, l, None, :]).sum(-1)
        if D is not None:
            y = y + D * u[:, l]
        outputs.append(y)
    y = torch.stack(outputs, 1)
    return (y if z is None else y * F.silu(z)), h


def rms_norm(x, weight, eps):
    y = x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps)
    return y if weight is None else y * weight


def ssm(x, z, p, norms, eps, suffix="", state=None):
    """From the inner width's x and z to the gated output, with the parameters of one direction."""
    A_log, D = (p["A_log"], p["D"]) if suffix == "" else (p["A_b_log"], p["D_b"])
    kernel = p[f"conv1d{suffix}.weight"][:, 0]
    conv_state, h = state if state else (None, None)
    x, conv_state = conv(x, kernel, p.get(f"conv1d{suffix}.bias"), True, conv_state)  # [B, L, E]
    rank, size = p[f"dt_proj{suffix}.weight"].shape[1], A_log.shape[1]
    dt, B, C = torch.split(x @ p[f"x_proj{suffix}.weight"].T, [rank, size, size], -1)  # [B, L, R | N | N]
    if norms == "jamba":
        dt, B, C = (rms_norm(v, p[f"{n}_layernorm.weight"], eps) for v, n in ((dt, "dt"), (B, "b"), (C, "c")))
    elif norms == "falcon":
        dt, B, C = (rms_norm(v, None, eps) for v in (dt, B, C))
    delta = dt @ p[f"dt_proj{suffix}.weight"].T  # [B, L, E]
    y, h = scan(x, delta, -torch.exp(A_log), B, C, D, z, p[f"dt_proj{suffix}.bias"], True, h)
    return y, (conv_state, h)


def block(x, p, norms="none", eps=1e-6, state=None):
    """Mamba block (figure 3 of the paper) on x [B, L, M] -> y [B, L, M] and its state (conv inputs, h)."""
    xz = x @ p["in_proj.weight"].T + p.get("in_proj.bias", 0)  # [B, L, 2E]
    x, z = xz.chunk(2, -1)
    y, state = ssm(x, z, p, norms, eps, state=state)
    return y @ p["out_proj.weight"].T + p.get("out_proj.bias", 0), state


def bidirectional_block(x, p, divide_output):
    """Vision Mamba: a second direction, with its own parameters, over the reversed sequence."""
    xz = x @ p["in_proj.weight"].T
    x, z = xz.chunk(2, -1)
    forward, _ = ssm(x, z, p, "none", 0)
    backward, _ = ssm(x.flip(1), z.flip(1), p, "none", 0, suffix="_b")
    y = forward + backward.flip(1)
    return (y / 2 if divide_output else y) @ p["out_proj.weight"].T


def block_parameters(random, M, E, N, R, W, bias=False, norms="none", bidirectional=False):
    """Random parameters in the range that trained ones have. `random(shape, scale)` draws from a normal distribution."""
    p = {"in_proj.weight": random((2 * E, M), M**-0.5)}
    if bias:
        p["in_proj.bias"] = random((2 * E,), 0.3)
    for suffix in ("", "_b") if bidirectional else ("",):
        p[f"conv1d{suffix}.weight"] = random((E, 1, W), W**-0.5)
        p[f"conv1d{suffix}.bias"] = random((E,), 0.3)
        p[f"x_proj{suffix}.weight"] = random((R + 2 * N, E), 2 * E**-0.5)
        p[f"dt_proj{suffix}.weight"] = random((E, R), R**-0.5)
        p[f"dt_proj{suffix}.bias"] = random((E,), 1.0) - 3
        p["A_log" if suffix == "" else "A_b_log"] = torch.log(torch.arange(1.0, N + 1)).repeat(E, 1) + random((E, N), 0.1)
        p["D" if suffix == "" else "D_b"] = 1 + random((E,), 0.3)
    if norms == "jamba":
        p["dt_layernorm.weight"] = 1 + random((R,), 0.3)
        p["b_layernorm.weight"] = 1 + random((N,), 0.3)
        p["c_layernorm.weight"] = 1 + random((N,), 0.3)
    p["out_proj.weight"] = random((M, E), E**-0.5)
    if bias:
        p["out_proj.bias"] = random((M,), 0.3)
    return p


def language_model(ids, p, layers, eps, norms="none", norms_eps=1e-6):
    """Logits [L, V] of one prompt, by Hugging Face parameter names."""
    embeddings = p["backbone.embeddings.weight"]
    x = embeddings[torch.tensor(ids)][None]  # [1, L, M]
    for i in range(layers):
        prefix = f"backbone.layers.{i}."
        mixer = {k[len(prefix) + 6 :]: v for k, v in p.items() if k.startswith(prefix + "mixer.")}
        x = x + block(rms_norm(x, p[prefix + "norm.weight"], eps), mixer, norms, norms_eps)[0]
    x = rms_norm(x, p["backbone.norm_f.weight"], eps)
    return (x @ p.get("lm_head.weight", embeddings).T)[0]


def stack(x, p, layers, eps, divide_output=None, prefix=""):
    """Layers of blocks and the final norm on x [B, L, M]. With `divide_output` given, the blocks are bidirectional."""
    for i in range(layers):
        start = f"{prefix}layers.{i}."
        mixer = {k[len(start) + 6 :]: v for k, v in p.items() if k.startswith(start + "mixer.")}
        normed = rms_norm(x, p[start + "norm.weight"], eps)
        x = x + (block(normed, mixer)[0] if divide_output is None else bidirectional_block(normed, mixer, divide_output))
    return rms_norm(x, p[f"{prefix}norm_f.weight"], eps)


def vision_mamba(images, p, layers, stride, class_token, divide_output, eps=1e-5):
    """
    Vision Mamba (Zhu et al. 2024) on images [B, H, W, C] -> logits [B, classes], by the parameter names of the official code.
    `class_token` is "middle", "first", "last", or None for the mean over the patches.
    """
    channels_first = images.permute(0, 3, 1, 2)
    x = F.conv2d(channels_first, p["patch_embed.proj.weight"], p["patch_embed.proj.bias"], stride=stride)
    x = x.flatten(2).transpose(1, 2)  # [B, N, M]
    at = {"middle": x.shape[1] // 2, "first": 0, "last": x.shape[1], None: None}[class_token]
    if at is not None:
        x = torch.cat([x[:, :at], p["cls_token"].expand(x.shape[0], -1, -1), x[:, at:]], 1)
    x = stack(x + p["pos_embed"], p, layers, eps, divide_output)
    pooled = x.mean(1) if at is None else x[:, at]
    return pooled @ p["head.weight"].T + p["head.bias"]


def sequence_model(x, p, layers, pooling, divide_output=None, eps=1e-5):
    """Numbers [B, L, C] or ids [B, L] -> [B, outputs]. With `divide_output` given, the blocks are bidirectional."""
    if x.dtype == torch.long:
        x = p["backbone.embeddings.weight"][x]
    else:
        x = x @ p["input_proj.weight"].T + p["input_proj.bias"]
    x = stack(x, p, layers, eps, divide_output, "backbone.")
    pooled = {"mean": lambda: x.mean(1), "max": lambda: x.amax(1), "last": lambda: x[:, -1]}[pooling]()
    return pooled @ p["head.weight"].T + p["head.bias"]
