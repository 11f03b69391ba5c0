"""Writes the goldens of packages/conformance from PyTorch in float64.

    /usr/bin/python3 tooling/reference/make_goldens.py

Inputs and parameters are float32 numbers (or float16, bfloat16 ones in the checkpoints of that name); everything after
them is computed in float64 on one thread, and rounded to float32 when it is written, except in `ops.json`. Same PyTorch,
same files.
"""

import torch

from adapters import write_adapters
from checkpoints import write_checkpoints
from golden_file import PACKAGE, Draw, exact, sliced, write
from gradient_goldens import write_gradients
from hybrid_checkpoints import write_hybrids
from mamba_reference import bidirectional_block, block, block_parameters, conv, scan
from model_goldens import write_models
from module_goldens import write_modules
from op_goldens import write_ops
from ssd_goldens import write_ssd


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
    write_gradients()
    write_ssd()
    write_models()
    write_modules()
    write_ops()
    write_checkpoints(PACKAGE / "goldens")
    write_hybrids(PACKAGE / "goldens")
    write_adapters(PACKAGE / "goldens")
