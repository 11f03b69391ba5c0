"""Goldens of the gradients: autograd through the reference in float64, with the gradients of all inputs and parameters.

A golden holds the arguments by their names and what flows in, `dy` and where there is one `dFinalState`; its outputs are
those of the forward and `d_<name>` for each argument: the gradient of sum(dy * y) + sum(dFinalState * finalState).
"""

import torch
import torch.nn.functional as F

from golden_file import Draw, exact, sliced, write
from mamba_reference import bidirectional_block, block, block_parameters, conv, rms_norm, scan


def differentiate(name, inputs, incoming, forward, meta, more={}):
    """
    Writes `forward(inputs)`, a dictionary of results, with the gradients; `incoming` is result name -> gradient. `more` are
    further outputs.
    """
    leaves = {k: v.clone().requires_grad_() for k, v in inputs.items()}
    results = forward(leaves)
    loss = sum((results[k] * g).sum() for k, g in incoming.items())
    grads = torch.autograd.grad(loss, list(leaves.values()))
    flows = {"d" + k[0].upper() + k[1:] if k != "y" else "dy": g for k, g in incoming.items()}
    outputs = {k: v.detach() for k, v in results.items()} | {f"d_{k}": g for k, g in zip(leaves, grads)} | more
    write(name, {**inputs, **flows}, outputs, meta)


def write_scan_gradients():
    draw = Draw(31)
    B, L, D, N = 3, 13, 6, 8
    sequences = {"u": draw((B, L, D)), "delta": draw((B, L, D), 2), "B": draw((B, L, N)), "C": draw((B, L, N))}
    A = exact({"A": -torch.exp(draw((D, N), 0.7))})
    dy, d_final = draw((B, L, D)), draw((B, D, N))

    def plain(p):
        y, h = scan(p["u"], p["delta"], p["A"], p["B"], p["C"])
        return {"y": y, "finalState": h}

    inputs = {**sequences, "delta": sequences["delta"].abs() / 4, **A}
    differentiate("scan-backward-plain", inputs, {"y": dy}, plain, {"deltaSoftplus": False})

    rest = {"D": draw((D,)), "z": draw((B, L, D)), **exact({"deltaBias": draw((D,)) - 2})}
    inputs = {**sequences, **A, **rest, "initialState": draw((B, D, N))}

    def rows(p, row, h):
        return scan(row["u"], row["delta"], p["A"], row["B"], row["C"], p["D"], row["z"], p["deltaBias"], True, h)

    def full(p):
        y, h = rows(p, p, p["initialState"])
        return {"y": y, "finalState": h}

    differentiate("scan-backward-full", inputs, {"y": dy, "finalState": d_final}, full, {"deltaSoftplus": True})
    ranges = [[0, 9], [4, 13], [6, 6]]

    def ranged(p):
        row = {k: p[k] for k in ("u", "delta", "B", "C", "z")}
        y, h = sliced(lambda some, state: rows(p, some, state), row, p["initialState"], ranges, L)
        return {"y": y, "finalState": h}

    meta = {"deltaSoftplus": True, "range": ranges}
    differentiate("scan-backward-range", inputs, {"y": dy, "finalState": d_final}, ranged, meta)


def write_conv_gradients():
    draw = Draw(32)
    B, L, D, W = 3, 11, 7, 4
    x, weight, bias, state = draw((B, L, D)), draw((D, W)), draw((D,)), draw((B, D, W - 1))
    dy, d_final = draw((B, L, D)), draw((B, D, W - 1))

    def plain(p):
        y, last = conv(p["x"], p["weight"])
        return {"y": y, "finalState": last}

    differentiate("conv-backward-plain", {"x": x, "weight": weight}, {"y": dy}, plain, {})
    inputs = {"x": x, "weight": weight, "bias": bias, "initialState": state}
    incoming = {"y": dy, "finalState": d_final}

    def full(p):
        y, last = conv(p["x"], p["weight"], p["bias"], True, p["initialState"])
        return {"y": y, "finalState": last}

    differentiate("conv-backward-full", inputs, incoming, full, {"activation": "silu"})
    ranges = [[0, 9], [9, 11], [5, 5]]

    def ranged(p):
        run = lambda row, past: conv(row["x"], p["weight"], p["bias"], True, past)
        y, last = sliced(run, {"x": p["x"]}, p["initialState"], ranges, L)
        return {"y": y, "finalState": last}

    differentiate("conv-backward-range", inputs, incoming, ranged, {"activation": "silu", "range": ranges})


def write_norm_and_loss_gradients():
    draw = Draw(33)
    x, weight, dy = draw((5, 12)), draw((12,)), draw((5, 12))
    norm = lambda p: {"y": rms_norm(p["x"], p.get("weight"), 1e-3)}
    differentiate("norm-backward", {"x": x, "weight": weight}, {"y": dy}, norm, {"eps": 1e-3})
    differentiate("norm-backward-weightless", {"x": x}, {"y": dy}, norm, {"eps": 1e-3})
    targets = [3, -100, 0, 10, 5, -100]
    loss = lambda p: {"loss": F.cross_entropy(p["logits"], torch.tensor(targets), ignore_index=-100)[None]}
    one = torch.ones(1, dtype=torch.float64)
    differentiate("loss-backward", {"logits": draw((6, 11), 3)}, {"loss": one}, loss, {"targets": targets})


def write_block_gradients():
    B, L, M, E, N, R, W = 2, 9, 10, 20, 4, 3, 4
    sizes = {"dModel": M, "dInner": E, "dState": N, "dtRank": R, "dConv": W}
    for seed, (name, bias, norms) in enumerate([("block-backward", False, "none"), ("block-backward-jamba", True, "jamba")]):
        draw = Draw(40 + seed)
        inputs = {"x": draw((B, L, M)), **exact(block_parameters(draw, M, E, N, R, W, bias, norms))}

        def forward(p):
            return {"y": block(p["x"], p, norms, 1e-6)[0]}

        meta = {**sizes, "bias": bias, "innerNorms": norms, "innerNormsEps": 1e-6}
        differentiate(name, inputs, {"y": draw((B, L, M))}, forward, meta)
    draw = Draw(50)
    inputs = {"x": draw((B, L, M)), **exact(block_parameters(draw, M, E, N, R, W, bidirectional=True))}
    both = lambda p: {"y": bidirectional_block(p["x"], p, True)}
    meta = {**sizes, "divideOutput": True}
    differentiate("block-backward-bidirectional", inputs, {"y": draw((B, L, M))}, both, meta)


def write_gradients():
    write_scan_gradients()
    write_conv_gradients()
    write_norm_and_loss_gradients()
    write_block_gradients()
