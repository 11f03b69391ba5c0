"""Goldens of the scan of state space heads and of the gated norm, with their gradients by autograd in float64.

The scan is computed without its state, as the product of a lower triangular matrix with the inputs (Dao & Gu 2024, section 3):

    y[i] = sum_{j <= i} exp(a[j+1] + ... + a[i]) (C[i] · B[j]) w[j] x[j] + exp(a[0] + ... + a[i]) C[i] S[-1] + D x[i]
"""

import torch
import torch.nn.functional as F

from golden_file import Draw, exact, sliced
from gradient_goldens import differentiate


def ssd(x, B, C, log_decay, weight, D, state, heads, groups):
    """x [B, L, H·P], B and C [B, L, G·N], log_decay and weight [B, L, H], D [H] or None, state [B, H, P, N] or None."""
    batch, length = x.shape[:2]
    x = x.reshape(batch, length, heads, -1)
    B, C = (t.reshape(batch, length, groups, -1).repeat_interleave(heads // groups, 2) for t in (B, C))
    sums = log_decay.cumsum(1)
    decay = sums[:, :, None] - sums[:, None, :]  # [B, i, j, H]
    later = torch.ones(length, length, dtype=torch.bool).triu(1)[None, :, :, None]
    decay = decay.masked_fill(later, -torch.inf).exp()
    products = torch.einsum("bihn,bjhn->bijh", C, B) * decay * weight[:, None]
    y = torch.einsum("bijh,bjhp->bihp", products, x)
    last = torch.einsum("bjh,bjhp,bjhn->bhpn", decay[:, -1] * weight, x, B)
    if state is not None:
        y = y + sums.exp()[..., None] * torch.einsum("bihn,bhpn->bihp", C, state)
        last = last + sums[:, -1].exp()[..., None, None] * state
    if D is not None:
        y = y + D[:, None] * x
    return y.reshape(batch, length, -1), last


def gated_norm(p, groups, eps, norm_before_gate):
    gate = F.silu(p["z"])
    v = p["x"] if norm_before_gate else p["x"] * gate
    rows = v.reshape(*v.shape[:-1], groups, -1)
    y = (rows * (rows.square().mean(-1, keepdim=True) + eps).rsqrt()).reshape(v.shape) * p["weight"]
    return {"y": y * gate if norm_before_gate else y}


def drawn(draw, B, L, H, P, G, N):
    """The arguments with an axis of positions."""
    return {
        "x": draw((B, L, H * P)),
        "B": draw((B, L, G * N)),
        "C": draw((B, L, G * N)),
        **exact({"logDecay": -torch.exp(draw((B, L, H)) - 2), "weight": draw((B, L, H)).abs() / 2}),
    }


def write_scans():
    draw = Draw(71)
    for name, (B, L, H, P, G, N), full in (("plain", (2, 9, 2, 3, 1, 4), False), ("full", (1, 70, 4, 2, 2, 3), True)):
        inputs = drawn(draw, B, L, H, P, G, N)
        flows = {"y": draw((B, L, H * P)), "finalState": draw((B, H, P, N))}
        if full:
            inputs |= {"D": draw((H,)), "initialState": draw((B, H, P, N))}

        def forward(p):
            rows = (p[k] for k in ("x", "B", "C", "logDecay", "weight"))
            y, last = ssd(*rows, p.get("D"), p.get("initialState"), H, G)
            return {"y": y, "finalState": last}

        differentiate(f"ssd-backward-{name}", inputs, flows, forward, {"heads": H, "groups": G})

    B, L, H, P, G, N = 3, 13, 2, 3, 2, 4
    inputs = {**drawn(draw, B, L, H, P, G, N), "D": draw((H,)), "initialState": draw((B, H, P, N))}
    flows = {"y": draw((B, L, H * P)), "finalState": draw((B, H, P, N))}
    ranges = [[0, 9], [4, 13], [6, 6]]

    def ranged(p):
        rows = {k: p[k] for k in ("x", "B", "C", "logDecay", "weight")}
        run = lambda row, state: ssd(*row.values(), p["D"], state, H, G)
        y, last = sliced(run, rows, p["initialState"], ranges, L)
        return {"y": y, "finalState": last}

    differentiate("ssd-backward-range", inputs, flows, ranged, {"heads": H, "groups": G, "range": ranges})


def write_gated_norms():
    draw = Draw(72)
    inputs = {"x": draw((5, 12)), "z": draw((5, 12), 2), "weight": draw((12,))}
    dy = draw((5, 12))
    for name, first in (("gated-norm-backward", False), ("gated-norm-backward-first", True)):
        meta = {"groups": 3, "eps": 1e-3, "normBeforeGate": first}
        differentiate(name, inputs, {"y": dy}, lambda p: gated_norm(p, 3, 1e-3, first), meta)


def write_ssd():
    write_scans()
    write_gated_norms()
