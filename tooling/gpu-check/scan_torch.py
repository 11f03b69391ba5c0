"""Times PyTorch on a GPU as a peer of this project: a copy, a matrix product, and selective scans: the parallel one over
vector operations, as mamba.py has it, and the fused one of the package mamba_ssm where that is installed.

    python3 scan_torch.py '{"scans": [{"name": "scan", "batch": 1, "length": 512, "channels": 1536, "stateSize": 16}],
                            "copy": 268435456, "matmul": 4096, "samples": 7, "sampleSeconds": 0.1}'

prints a line for each figure, as rows.ts reads them.
"""

import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "reference"))  # in the repository

import torch
import torch.nn.functional as F

from torch_scans import ParallelScan

try:
    from mamba_ssm.ops.selective_scan_interface import selective_scan_fn
except (ImportError, OSError) as missing:
    selective_scan_fn, no_mamba_ssm = None, str(missing)  # an OSError where its libraries do not fit

TASK = json.loads(sys.argv[1])


def seconds_of(run):
    """The median, by the rules of packages/bench/src/gpu/time.ts."""

    def sample(repeats):
        start = time.perf_counter()
        for _ in range(repeats):
            run()
        torch.cuda.synchronize()
        return (time.perf_counter() - start) / repeats

    for _ in range(2):
        sample(1)
    most, each = TASK["samples"], TASK["sampleSeconds"]
    repeats = max(1, -int(-each // sample(1)))
    if repeats > 1:
        for _ in range(2):
            sample(repeats)
    taken = []
    end = time.perf_counter() + 2 * most * each
    while len(taken) < most and (len(taken) < 3 or time.perf_counter() < end):
        taken.append(sample(repeats))
    return sorted(taken)[len(taken) // 2]


def emit(name, **row):
    print("\x1erow " + json.dumps(dict(name=name, **row)), flush=True)


def measure(name, prepare):
    """`prepare` makes the inputs and returns what is timed."""
    try:
        emit(name, state="ok", result="", figures=dict(seconds=seconds_of(prepare())))
    except RuntimeError as error:  # out of memory is one
        reason = "out of memory" if isinstance(error, torch.cuda.OutOfMemoryError) else str(error)
        emit(name, state="not run", result=reason.splitlines()[0])
    torch.cuda.empty_cache()


def unfused(u, delta, A, B, C, D, z, bias):
    delta = F.softplus(delta + bias)
    dA = torch.exp(delta[..., None] * A)  # [B, L, E, N]
    dBu = (delta * u)[..., None] * B[:, :, None, :]
    h = ParallelScan.apply(dA, dBu)
    y = (h @ C[..., None]).squeeze(-1) + D * u
    return y * F.silu(z)


def fused(u, delta, A, B, C, D, z, bias):
    return selective_scan_fn(u, delta, A, B, C, D, z=z, delta_bias=bias, delta_softplus=True)


def inputs_of(size, channels_first):
    batch, length, channels, state = (size[key] for key in ("batch", "length", "channels", "stateSize"))

    def draw(*shape, scale=1.0):
        return (torch.rand(*shape, device="cuda") * 2 - 1).mul_(scale).requires_grad_()

    def wide(width, scale=1.0):
        return draw(*((batch, width, length) if channels_first else (batch, length, width)), scale=scale)

    A = -torch.exp(torch.rand(channels, state, device="cuda") * 2 - 1)
    return dict(
        u=wide(channels),
        delta=wide(channels, 0.1),
        A=A.requires_grad_(),
        B=wide(state),
        C=wide(state),
        D=draw(channels),
        z=wide(channels),
        bias=draw(channels),
    )


def measure_scan(peer, size, scan, channels_first):
    def forward():
        inputs = inputs_of(size, channels_first)

        @torch.no_grad()
        def run():
            scan(**inputs)

        return run

    def backward():
        inputs = inputs_of(size, channels_first)
        leaves = list(inputs.values())
        y = scan(**inputs)
        dy = torch.randn_like(y)
        return lambda: torch.autograd.grad(y, leaves, dy, retain_graph=True)

    measure(f"{peer}: {size['name']} forward", forward)
    measure(f"{peer}: {size['name']} backward", backward)


def copy():
    source = torch.rand(TASK["copy"], device="cuda")
    target = torch.empty_like(source)
    return lambda: target.copy_(source)


def matmul():
    a, b = (torch.rand(TASK["matmul"], TASK["matmul"], device="cuda") for _ in range(2))
    return lambda: a @ b.T  # in f32: TF32 is off by default


def main():
    measure(f"PyTorch {torch.__version__}: copy", copy)
    measure(f"PyTorch {torch.__version__}: matmul f32", matmul)
    if selective_scan_fn is None:
        emit("mamba_ssm, fused", state="not run", result=no_mamba_ssm)
    for size in TASK["scans"]:
        if selective_scan_fn is not None:
            measure_scan("mamba_ssm, fused", size, fused, channels_first=True)
        measure_scan("PyTorch, parallel", size, unfused, channels_first=False)


if __name__ == "__main__":
    main()
