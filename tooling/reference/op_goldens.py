"""Goldens of the small ops and of the losses: values and gradients by autograd, in float64.

They are one JSON file with all digits, `packages/conformance/goldens/ops.json`: a list of records

    op       the name of the op of core's `Ops`
    options  its arguments that are no tensors of floats: numbers, lists of integers, names
    inputs   its tensors by name, exact in float32
    dy       the gradient of the result `y`; absent for a loss [1], where it is 1
    outputs  `y` and `d_<name>` for each input that has a gradient
"""

import json

import torch
import torch.nn.functional as F

from golden_file import PACKAGE, Draw, exact

draw = Draw(60)
records = []


def numbers(tensor):
    return {"shape": list(tensor.shape), "data": tensor.flatten().tolist()}


def record(op, inputs, forward, options=None, constants=()):
    """`forward(inputs)` with the gradients of all inputs but `constants`."""
    leaves = {k: v.clone().requires_grad_(k not in constants) for k, v in inputs.items()}
    y = forward(leaves)
    loss = y.dim() == 0
    dy = torch.ones((), dtype=torch.float64) if loss else draw(y.shape)
    wanted = {k: v for k, v in leaves.items() if v.requires_grad}
    grads = torch.autograd.grad((y * dy).sum(), list(wanted.values()))
    outputs = {"y": y.detach().reshape(1) if loss else y.detach(), **{f"d_{k}": g for k, g in zip(wanted, grads)}}
    records.append(
        {
            "op": op,
            "options": options or {},
            "inputs": {k: numbers(v) for k, v in inputs.items()},
            **({} if loss else {"dy": numbers(dy)}),
            "outputs": {k: numbers(v) for k, v in outputs.items()},
        }
    )


def write_elementwise():
    operations = {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div}
    for op, f in operations.items():
        for shape in ((2, 3), (3,)):
            b = draw(shape)
            b = exact({"b": b.sign() * (b.abs() + 0.5)})["b"] if op == "div" else b
            record(op, {"a": draw((2, 3)), "b": b}, lambda p: f(p["a"], p["b"]))
    for op, f in {"exp": torch.exp, "tanh": torch.tanh, "sigmoid": torch.sigmoid}.items():
        record(op, {"x": draw((3, 5), 2)}, lambda p: f(p["x"]))
    for op, f in {"log": torch.log, "sqrt": torch.sqrt}.items():
        record(op, exact({"x": draw((3, 5)).exp()}), lambda p: f(p["x"]))
    for form in ("none", "tanh"):
        record("gelu", {"x": draw((3, 7), 2)}, lambda p: F.gelu(p["x"], approximate=form), {"approximate": form})


def mixed(word):
    """The 32-bit hash of dropout, written apart from that of the packages."""
    word &= 0xFFFFFFFF
    for shift, factor in ((16, 0x21F0AAAD), (15, 0x735A2D97)):
        word = ((word ^ (word >> shift)) * factor) & 0xFFFFFFFF
    return word ^ (word >> 15)


def write_rows():
    record("softmax", {"x": draw((3, 7), 3)}, lambda p: torch.softmax(p["x"], -1))
    x, weight, bias = draw((3, 7), 2), draw((7,)), draw((7,))
    norm = lambda p: F.layer_norm(p["x"], (7,), p.get("weight"), p.get("bias"), 1e-3)
    record("layerNorm", {"x": x, "weight": weight, "bias": bias}, norm, {"eps": 1e-3})
    record("layerNorm", {"x": x}, norm, {"eps": 1e-3})
    probability, seed = 0.4, 0xC0FFEE11
    limit = int(probability * 2**32)
    keep = [mixed(mixed(i ^ mixed(seed + 0x9E3779B9)) + seed) >= limit for i in range(33)]
    mask = torch.tensor(keep, dtype=torch.float64).reshape(3, 11)
    options = {"probability": probability, "seed": seed}
    record("dropout", {"x": draw((3, 11))}, lambda p: p["x"] * mask / (1 - probability), options)


def write_positions():
    """Two rows of five positions: sequence 0, padding and sequence 1, then sequence 2 with padding inside."""
    ids = [[0, 0, -1, 1, 1], [2, -1, 2, 2, -1]]
    flat = torch.tensor(ids).flatten()
    for op, pool in (("meanPositions", lambda x: x.mean(0)), ("maxPositions", lambda x: x.max(0).values)):
        record(op, {"x": draw((2, 5, 3))}, lambda p: torch.stack([pool(row) for row in p["x"]]))
        packed = lambda p: torch.stack([pool(p["x"].reshape(10, 3)[flat == s]) for s in range(3)])
        record(op, {"x": draw((2, 5, 3))}, packed, {"ids": ids})
    record("takePositions", {"x": draw((2, 5, 3))}, lambda p: p["x"][:, [3, 0, 3]], {"positions": [3, 0, 3]})
    for at in (0, 2, 5):
        insert = lambda p: torch.cat([p["x"][:, :at], p["token"].expand(2, 1, 3), p["x"][:, at:]], 1)
        record("insertPosition", {"x": draw((2, 5, 3)), "token": draw((3,))}, insert, {"at": at})


def write_losses():
    targets, V = [3, 0, -100, 4, 3, 1], 5
    weights = exact({"w": torch.rand(V, generator=draw.generator, dtype=torch.float64) * 2 + 0.1})["w"]
    for options in ({}, {"labelSmoothing": 0.2}, {"weighted": True}, {"labelSmoothing": 0.1, "weighted": True, "ignoreIndex": 4}):
        inputs = {"logits": draw((6, V), 2), **({"classWeights": weights} if "weighted" in options else {})}
        ignored = options.get("ignoreIndex", -100)
        own = [0 if t == -100 and ignored != -100 else t for t in targets]
        loss = lambda p: F.cross_entropy(
            p["logits"],
            torch.tensor(own),
            p.get("classWeights"),
            ignore_index=ignored,
            label_smoothing=options.get("labelSmoothing", 0.0),
        )
        rest = {k: v for k, v in options.items() if k != "weighted"}
        record("crossEntropy", inputs, loss, {"targets": own, **rest}, ("classWeights",))

    shape = (4, 5)
    weight = exact({"w": torch.rand(shape, generator=draw.generator, dtype=torch.float64) + 0.1})["w"]
    weight[1, 2] = 0.0
    mean = lambda l, p: (l * p["weight"]).sum() / p["weight"].sum() if "weight" in p else l.mean()
    square = lambda p: mean(F.mse_loss(p["x"], p["target"], reduction="none"), p)
    huber = lambda p: mean(F.huber_loss(p["x"], p["target"], reduction="none", delta=0.75), p)
    binary = lambda p: mean(F.binary_cross_entropy_with_logits(p["x"], p["target"], reduction="none"), p)
    for op, loss, options, constants in (
        ("meanSquaredError", square, {}, ("weight",)),
        ("huber", huber, {"delta": 0.75}, ("weight",)),
        ("binaryCrossEntropy", binary, {}, ("weight", "target")),
    ):
        target = draw(shape)
        target = exact({"t": target.sigmoid()})["t"] if op == "binaryCrossEntropy" else target
        inputs = {"x": draw(shape, 2), "target": target}
        record(op, inputs, loss, options, constants)
        record(op, {**inputs, "weight": weight}, loss, options, constants)

    levels = [0.125, 0.5, 0.9375]
    q = torch.tensor(levels, dtype=torch.float64)

    def quantile(p):
        """The pinball loss, which PyTorch does not have."""
        error = p["target"][..., None] - p["x"]
        each = torch.maximum(q * error, (q - 1) * error)
        w = p["weight"][..., None].expand(each.shape) if "weight" in p else torch.ones_like(each)
        return (each * w).sum() / w.sum()

    inputs = {"x": draw((*shape, 3)), "target": draw(shape)}
    record("quantileLoss", inputs, quantile, {"levels": levels}, ("weight", "target"))
    record("quantileLoss", {**inputs, "weight": weight}, quantile, {"levels": levels}, ("weight", "target"))


def write_ops():
    write_elementwise()
    write_rows()
    write_positions()
    write_losses()
    lines = ",\n".join(json.dumps(item) for item in records)
    (PACKAGE / "goldens" / "ops.json").write_text(f"[\n{lines}\n]\n")
