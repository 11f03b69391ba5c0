"""Writes the goldens of packages/conformance from PyTorch in float64.

    /usr/bin/python3 tooling/reference/make_goldens.py

Inputs and parameters are float32 numbers (or float16, bfloat16 ones in the checkpoints of that name); everything after
them is computed in float64 on one thread, and rounded to float32 when it is written. Same PyTorch, same files.
"""

import base64
import json
import pathlib

import torch

from checkpoints import write_checkpoints
from mamba_reference import bidirectional_block, block, block_parameters, conv, scan
from safetensors_file import to_bytes

PACKAGE = pathlib.Path(__file__).resolve().parents[2] / "packages" / "conformance"


class Draw:
    """Normal float64 numbers that are exact in float32."""

    def __init__(self, seed):
        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self, shape, scale=1.0):
        return torch.randn(shape, generator=self.generator, dtype=torch.float64).mul(scale).float().double()


def exact(tensors):
    """Rounds parameters that were computed, not drawn, to float32 as well."""
    return {name: tensor.float().double() for name, tensor in tensors.items()}


def write(name, inputs, outputs, meta):
    tensors = {k: v.float() for k, v in {**inputs, **outputs}.items()}
    data = to_bytes(tensors, {"meta": json.dumps({**meta, "outputs": list(outputs)})})
    text = base64.b64encode(data).decode("ascii")
    path = PACKAGE / "src" / "goldens" / f"{name}.ts"
    path.write_text(
        "// Written by tooling/reference/make_goldens.py: a safetensors file in base64.\n"
        f'export default "{text}";\n'
    )


def sliced(run, tensors, state, ranges, length):
    """`run` on each row's slice alone; zeros outside. `tensors` are [B, L, .]; returns y and the state."""
    ys, states = [], []
    for b, (start, end) in enumerate(ranges):
        row = {k: v[b : b + 1, start:end] for k, v in tensors.items()}
        y = torch.zeros(1, length, tensors[next(iter(tensors))].shape[2], dtype=torch.float64)
        last = state[b : b + 1]
        if start < end:
            y[:, start:end], last = run(row, last)
        ys.append(y)
        states.append(last)
    return torch.cat(ys), torch.cat(states)


def write_scans():
    draw = Draw(1)
    B, L, D, N = 3, 13, 6, 8
    sequences = {"u": draw((B, L, D)), "delta": draw((B, L, D), 2), "B": draw((B, L, N)), "C": draw((B, L, N))}
    z, state = draw((B, L, D)), draw((B, D, N))
    rest = {"A": -torch.exp(draw((D, N), 0.7)), "D": draw((D,)), "deltaBias": draw((D,)) - 2}
    rest = exact(rest)
    plain = {**sequences, "delta": sequences["delta"].abs() / 4, "A": rest["A"]}
    y, h = scan(plain["u"], plain["delta"], plain["A"], plain["B"], plain["C"])
    write("scan-plain", plain, {"y": y, "finalState": h}, {"deltaSoftplus": False})

    full = {**sequences, "z": z, **rest, "initialState": state}

    def run(row, h):
        return scan(
            row["u"], row["delta"], rest["A"], row["B"], row["C"], rest["D"], row["z"], rest["deltaBias"], True, h
        )

    y, h = run({**sequences, "z": z}, state)
    write("scan-full", full, {"y": y, "finalState": h}, {"deltaSoftplus": True})
    ranges = [[0, 9], [4, 13], [6, 6]]
    y, h = sliced(run, {**sequences, "z": z}, state, ranges, L)
    write("scan-range", full, {"y": y, "finalState": h}, {"deltaSoftplus": True, "range": ranges})


def write_convs():
    draw = Draw(2)
    B, L, D, W = 3, 11, 7, 4
    x, weight, bias, state = draw((B, L, D)), draw((D, W)), draw((D,)), draw((B, D, W - 1))
    y, last = conv(x, weight)
    write("conv-plain", {"x": x, "weight": weight}, {"y": y, "finalState": last}, {})
    full = {"x": x, "weight": weight, "bias": bias, "initialState": state}
    y, last = conv(x, weight, bias, True, state)
    write("conv-full", full, {"y": y, "finalState": last}, {"activation": "silu"})
    ranges = [[0, 9], [9, 11], [5, 5]]
    y, last = sliced(lambda row, past: conv(row["x"], weight, bias, True, past), {"x": x}, state, ranges, L)
    write("conv-range", full, {"y": y, "finalState": last}, {"activation": "silu", "range": ranges})


def write_blocks():
    B, L, M, E, N, R, W = 2, 11, 12, 24, 8, 3, 4
    sizes = {"dModel": M, "dInner": E, "dState": N, "dtRank": R, "dConv": W}
    for seed, (name, bias, norms) in enumerate(
        [("block", False, "none"), ("block-bias", True, "none"), ("block-jamba", False, "jamba"), ("block-falcon", False, "falcon")]
    ):
        draw = Draw(10 + seed)
        p = exact(block_parameters(draw, M, E, N, R, W, bias, norms))
        x = draw((B, L, M))
        y, (conv_inputs, state) = block(x, p, norms, 1e-6)
        meta = {**sizes, "bias": bias, "innerNorms": norms, "innerNormsEps": 1e-6}
        write(name, {"x": x, **p}, {"y": y, "convInputs": conv_inputs, "state": state}, meta)
    draw = Draw(20)
    p = exact(block_parameters(draw, M, E, N, R, W, bidirectional=True))
    x = draw((B, L, M))
    for name, divide in (("bidirectional", False), ("bidirectional-divided", True)):
        write(name, {"x": x, **p}, {"y": bidirectional_block(x, p, divide)}, {**sizes, "divideOutput": divide})


if __name__ == "__main__":
    torch.set_num_threads(1)
    (PACKAGE / "src" / "goldens").mkdir(parents=True, exist_ok=True)
    write_scans()
    write_convs()
    write_blocks()
    write_checkpoints(PACKAGE / "goldens")
