"""
Goldens of the modules of hybrid models: a tiny Mamba-2 block, attention, MLP or mixture of experts with its answer and the gradients
of the input and of all parameters, in float64 by autograd.

Each is a safetensors file in packages/conformance/goldens/modules: `x`, the parameters by core's names, `dy`, then `y` and `d_<name>`:
the gradients of sum(dy * y) + loss. Its metadata `meta` has `kind` and `config`, the arguments of core's function of that name.
"""

import json

import torch
import torch.nn.functional as F

from golden_file import PACKAGE, Draw, exact
from hybrid_reference import Weights, attention, mamba2, mamba3, mixture
from safetensors_file import to_bytes

FOLDER = PACKAGE / "goldens" / "modules"


def by_rows(run):
    """`run` on each row of x [B, L, M] alone."""
    return lambda x: torch.stack([run(row) for row in x])


def write_module(name, kind, config, x, parameters, forward, frozen=()):
    """`forward(x, weights)` gives y and, where there is one, a loss [1] that is added."""
    draw = Draw(sum(map(ord, name)))
    leaves = {k: v.clone().requires_grad_(k not in frozen) for k, v in {"x": x, **parameters}.items()}
    y, *losses = forward(leaves["x"], Weights(leaves))
    dy = draw(y.shape)
    total = (y * dy).sum() + sum(loss.sum() for loss in losses)
    wanted = [k for k in leaves if k not in frozen]
    grads = torch.autograd.grad(total, [leaves[k] for k in wanted])
    tensors = {"x": x, **parameters, "dy": dy, "y": y.detach(), **{f"d_{k}": g for k, g in zip(wanted, grads)}}
    meta = json.dumps({"kind": kind, "config": config})
    data = to_bytes({k: v.float() for k, v in tensors.items()}, {"meta": meta})
    (FOLDER / f"{name}.safetensors").write_bytes(data)


def matrix(draw, rows, columns, experts=()):
    return draw((*experts, rows, columns), columns**-0.5)


def write_mamba2():
    M, H, P, N = 6, 4, 3, 5
    defaults = {"groups": 1, "dConv": 4, "convBias": True, "bias": False, "norm": "gateFirst", "outputScale": 1}
    cases = {
        "mamba2": (70, {}),
        "mamba2-groups": (
            9,
            {"groups": 2, "bias": True, "norm": "normFirst", "normEps": 1e-2, "dtLimit": [0.05, 0.3]}
            | {"scales": {"z": 0.7, "x": 0.5, "B": 0.8, "C": 1.1, "dt": 0.6}, "outputScale": 0.83},
        ),
        "mamba2-ungated": (9, {"groups": 4, "dConv": 3, "convBias": False, "norm": "none"}),
    }
    for seed, (name, (length, given)) in enumerate(cases.items()):
        draw = Draw(60 + seed)
        c = {**defaults, **given}
        inner, channels = H * P, H * P + 2 * c["groups"] * N
        rows = inner + channels + H
        p = {"in_proj.weight": matrix(draw, rows, M)}
        if c["bias"]:
            p["in_proj.bias"] = draw((rows,), 0.3)
        p["conv1d.weight"] = draw((channels, 1, c["dConv"]), c["dConv"] ** -0.5)
        if c["convBias"]:
            p["conv1d.bias"] = draw((channels,), 0.3)
        p |= {"dt_bias": draw((H,)) - 2, "A_log": draw((H,)).abs(), "D": 1 + draw((H,), 0.3)}
        if c["norm"] != "none":
            p["norm.weight"] = 1 + draw((inner,), 0.3)
        p["out_proj.weight"] = matrix(draw, M, inner)
        if c["bias"]:
            p["out_proj.bias"] = draw((M,), 0.3)
        sizes = (H, P, c["groups"], N, c.get("dtLimit", (0.0, float("inf"))), c.get("normEps", 1e-5), c["norm"] != "none")
        scales = tuple(c["scales"].values()) if "scales" in c else None

        def forward(x, w):
            run = lambda row: mamba2(row, w, *sizes, scales, c["norm"] == "normFirst") * c["outputScale"]
            return (by_rows(run)(x),)

        config = {"dModel": M, "heads": H, "headDim": P, "dState": N, **given}
        write_module(name, "mamba2", config, draw((2, length, M)), exact(p), forward)


def write_mamba3():
    M, H, P = 6, 4, 3
    cases = {
        "mamba3": (70, 8, {}),
        "mamba3-groups": (9, 5, {"groups": 2, "ropeFraction": 1, "outNorm": True, "normEps": 1e-2, "aFloor": 0.9}),
        "mamba3-fixed": (9, 3, {"ropeFraction": 0}),
    }
    for seed, (name, (length, N, given)) in enumerate(cases.items()):
        draw = Draw(65 + seed)
        G, inner = given.get("groups", 1), H * P
        pairs = int(N * given.get("ropeFraction", 0.5) / 2)
        rows = 2 * inner + 2 * G * N + 3 * H + pairs
        p = {"in_proj.weight": matrix(draw, rows, M), "dt_bias": draw((H,)) - 1}
        for part in ("B", "C"):
            p |= {f"{part}_bias": 1 + draw((H, N), 0.3), f"{part}_norm.weight": 1 + draw((N,), 0.3)}
        p["D"] = 1 + draw((H,), 0.3)
        if "outNorm" in given:
            p["norm.weight"] = 1 + draw((inner,), 0.3)
        p["out_proj.weight"] = matrix(draw, M, inner)
        sizes = (H, P, G, N, pairs, given.get("aFloor", 1e-4), given.get("normEps", 1e-5), "outNorm" in given)
        forward = lambda x, w: (by_rows(lambda row: mamba3(row, w, *sizes))(x),)
        config = {"dModel": M, "heads": H, "headDim": P, "dState": N, **given}
        write_module(name, "mamba3", config, draw((2, length, M)), exact(p), forward)


def write_attention():
    M, H, K, D = 8, 4, 2, 6
    cases = {
        "attention": (70, {"scale": 0.6, "outputScale": 0.9}),
        # Without positions the bias of the keys has no effect.
        "attention-rotary": (9, {"rotary": {"theta": 100}, "bias": True}),
        "attention-partial": (9, {"kvHeads": 1, "rotary": {"theta": 1000, "dim": 4, "pairing": "interleaved"}}),
    }
    for seed, (name, (length, given)) in enumerate(cases.items()):
        draw = Draw(70 + seed)
        kv = given.get("kvHeads", K)
        shapes = {"q_proj": (H * D, M), "k_proj": (kv * D, M), "v_proj": (kv * D, M), "o_proj": (M, H * D)}
        p = {}
        for projection, (rows, columns) in shapes.items():
            p[f"{projection}.weight"] = matrix(draw, rows, columns)
            if "bias" in given:
                p[f"{projection}.bias"] = draw((rows,), 0.3)
        rotary = given.get("rotary", {})
        turn = (rotary.get("theta"), 1.0, rotary.get("dim"), rotary.get("pairing") == "interleaved")
        scale = given.get("scale", D**-0.5)

        def forward(x, w):
            run = lambda row: attention(row, w, H, kv, D, scale, *turn) * given.get("outputScale", 1)
            return (by_rows(run)(x),)

        config = {"dModel": M, "heads": H, "kvHeads": K, "headDim": D, **given}
        write_module(name, "attention", config, draw((2, length, M)), p, forward)


ACTIVATIONS = {
    "silu": F.silu,
    "gelu": F.gelu,
    "geluTanh": lambda x: x * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (x + 0.044715 * x**3))) / 2,
    "relu2": lambda x: F.relu(x) ** 2,
}


def mlp(x, w, config):
    act, up = ACTIVATIONS[config["activation"]], w.linear("up_proj", x)
    hidden = act(w.linear("gate_proj", x) * config.get("gateScale", 1)) * up if config.get("gated", True) else act(up)
    return w.linear("down_proj", hidden) * config.get("outputScale", 1)


def mlp_parameters(draw, M, hidden, gated, bias=False, experts=()):
    shapes = {"gate_proj": (hidden, M), "up_proj": (hidden, M), "down_proj": (M, hidden)}
    p = {}
    for name, (rows, columns) in shapes.items():
        if name == "gate_proj" and not gated:
            continue
        p[f"{name}.weight"] = matrix(draw, rows, columns, experts)
        if bias:
            p[f"{name}.bias"] = draw((rows,), 0.3)
    return p


def write_mlps():
    M, hidden = 6, 10
    cases = {
        "mlp-silu": {"activation": "silu", "gateScale": 0.88, "outputScale": 0.59},
        "mlp-gelu": {"activation": "gelu", "bias": True},
        "mlp-gelu-tanh": {"activation": "geluTanh", "gated": False, "bias": True},
        "mlp-relu2": {"activation": "relu2", "gated": False},
    }
    for seed, (name, given) in enumerate(cases.items()):
        draw = Draw(80 + seed)
        p = mlp_parameters(draw, M, hidden, given.get("gated", True), given.get("bias", False))
        config = {"dModel": M, "dHidden": hidden, **given}
        write_module(name, "mlp", config, draw((2, 5, M)), p, lambda x, w: (mlp(x, w, given),))


def experts(x, w, c):
    """x [R, M] -> y [R, M] and the balancing loss [1] times its weight."""
    E, K = c["experts"], c["perToken"]
    logits = x @ w("router.weight").T
    sigmoid = c["scoring"] == "sigmoid"
    scores = torch.sigmoid(logits) if sigmoid else logits.softmax(-1)
    choice = scores + w("router.bias") if c.get("scoreBias") else scores
    chosen = choice.topk(K, -1).indices
    weights = scores.gather(-1, chosen)
    if c["scoring"] == "topSoftmax":
        weights = logits.gather(-1, chosen).softmax(-1)
    if c.get("normalize"):
        weights = weights / (weights.sum(-1, keepdim=True) + 1e-20)
    weights = weights * c.get("scale", 1)
    inner = w.linear("latent_in_proj", x) if "latent" in c else x

    def run(e, row):
        own = {f"{n}.weight": w(f"{n}.weight")[e] for n in ("gate_proj", "up_proj", "down_proj") if w.has(f"{n}.weight")}
        return mlp(row, Weights(own), {**c, "gated": "gate_proj.weight" in own})

    y = mixture(inner, chosen, weights, run)
    if "latent" in c:
        y = w.linear("latent_out_proj", y)
    if "shared" in c:
        y = y + mlp(x, w.under("shared."), c)
    loads = torch.bincount(chosen.flatten(), minlength=E).double() / chosen.numel()
    mean = (scores / scores.sum(-1, keepdim=True)).mean(0)
    return y, c["balance"] * E * (loads * mean).sum()[None]


def write_experts():
    M, I, E, K = 6, 5, 5, 2
    base = {"experts": E, "perToken": K, "activation": "silu", "balance": 0.5}
    cases = {
        "experts-softmax": {"scoring": "softmax", "normalize": True},
        "experts-top-softmax": {"scoring": "topSoftmax", "activation": "gelu", "shared": {"dHidden": 7}},
        "experts-sigmoid": {"scoring": "sigmoid", "scoreBias": True, "normalize": True, "scale": 2.5, "gated": False}
        | {"activation": "relu2", "shared": {"dHidden": 7}, "latent": 4},
    }
    for seed, (name, given) in enumerate(cases.items()):
        draw = Draw(90 + seed)
        c = {**base, **given}
        gated, width = c.get("gated", True), c.get("latent", M)
        p = {"router.weight": matrix(draw, E, M)}
        if c.get("scoreBias"):
            p["router.bias"] = draw((E,), 0.5)
        p |= mlp_parameters(draw, width, I, gated, experts=(E,))
        if "latent" in c:
            p |= {"latent_in_proj.weight": matrix(draw, width, M), "latent_out_proj.weight": matrix(draw, M, width)}
        if "shared" in c:
            p |= {f"shared.{k}": v for k, v in mlp_parameters(draw, M, c["shared"]["dHidden"], gated).items()}

        def forward(x, w):
            y, loss = experts(x.reshape(-1, M), w, c)
            return y.reshape(x.shape), loss

        config = {"dModel": M, "dHidden": I, **c}
        write_module(name, "experts", config, draw((2, 7, M)), p, forward, frozen=("router.bias",))


def write_modules():
    FOLDER.mkdir(exist_ok=True)
    write_mamba2()
    write_mamba3()
    write_attention()
    write_mlps()
    write_experts()


if __name__ == "__main__":
    torch.set_num_threads(1)
    write_modules()
