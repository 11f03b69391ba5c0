"""Times a PyTorch Mamba of mamba-130m's shapes with random weights on the CPU, the way mamba.py computes it, as a peer.

PyTorch returns every freed tensor to the system unless malloc is told to keep it, which costs it a factor of 1.2 to 3
here; to be fair to it, run

    MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=4294967296 \\
        /usr/bin/python3 tooling/reference/bench_torch.py > torch.json

Debian's PyTorch multiplies matrices with whichever BLAS is installed. Install libopenblas0-pthread: the reference BLAS,
there without it, is more than ten times slower, and no peer. The report names the library that was used.

Runs of the measurements are interleaved, since other work on the machine comes and goes: medians and best are printed.
With --train it times training instead, at the shapes of `mamba bench --filter training`: see bench_torch_training.py.
"""

import argparse
import json
import os
import re
import statistics
import sys
import time

import torch
import torch.nn.functional as F

from bench_torch_training import training_measurements
from torch_scans import check_scans, parallel_scan, sequential_scan

WIDTH, INNER, STATE, RANK, KERNEL, VOCAB = 768, 1536, 16, 48, 4, 50280


def selective_scan(u, delta, A, B, C, D, scan):
    dA = torch.exp(delta[..., None] * A)  # [B, L, E, N]
    dBu = (delta * u)[..., None] * B[:, :, None, :]
    h = scan(dA, dBu)
    return (h @ C[..., None]).squeeze(-1) + D * u


class Layer:
    def __init__(self, draw):
        self.norm = torch.ones(WIDTH)
        self.in_proj = draw(2 * INNER, WIDTH)
        self.conv, self.conv_bias = draw(INNER, 1, KERNEL), draw(INNER)
        self.x_proj = draw(RANK + 2 * STATE, INNER)
        self.dt_proj, self.dt_bias = draw(INNER, RANK), draw(INNER) - 4
        self.A = -torch.arange(1.0, STATE + 1).repeat(INNER, 1)
        self.D = torch.ones(INNER)
        self.out_proj = draw(WIDTH, INNER)

    def projections(self, x):
        dt, B, C = torch.split(x @ self.x_proj.T, [RANK, STATE, STATE], -1)
        return F.softplus(F.linear(dt, self.dt_proj, self.dt_bias)), B, C

    def forward(self, x, scan):
        residual = x
        x, z = (rms_norm(x, self.norm) @ self.in_proj.T).chunk(2, -1)
        x = F.conv1d(x.transpose(1, 2), self.conv, self.conv_bias, padding=KERNEL - 1, groups=INNER)
        x = F.silu(x[:, :, : -(KERNEL - 1)].transpose(1, 2))
        delta, B, C = self.projections(x)
        y = selective_scan(x, delta, self.A, B, C, self.D, scan)
        return residual + (y * F.silu(z)) @ self.out_proj.T

    def step(self, x, cache):
        h, inputs = cache  # [B, E, N], [B, E, W-1]
        residual = x
        x, z = (rms_norm(x, self.norm) @ self.in_proj.T).chunk(2, -1)
        inputs = torch.cat([inputs, x[..., None]], -1)
        x = F.silu((inputs * self.conv[:, 0]).sum(-1) + self.conv_bias)
        delta, B, C = self.projections(x)
        h = torch.exp(delta[..., None] * self.A) * h + (delta * x)[..., None] * B[:, None, :]
        y = (h @ C[..., None]).squeeze(-1) + self.D * x
        return residual + (y * F.silu(z)) @ self.out_proj.T, (h, inputs[:, :, 1:])


def rms_norm(x, weight):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * weight


class Model:
    def __init__(self, layers):
        generator = torch.Generator().manual_seed(0)
        draw = lambda *shape: torch.randn(*shape, generator=generator) * 0.02
        self.embeddings, self.norm = draw(VOCAB, WIDTH), torch.ones(WIDTH)
        self.layers = [Layer(draw) for _ in range(layers)]

    def head(self, x):
        return rms_norm(x, self.norm) @ self.embeddings.T

    def prefill(self, length, scan):
        x = self.embeddings[torch.arange(length)][None]
        for layer in self.layers:
            x = layer.forward(x, scan)
        return self.head(x[:, -1])

    def decode(self, tokens):
        caches = [(torch.zeros(1, INNER, STATE), torch.zeros(1, INNER, KERNEL - 1)) for _ in self.layers]
        token = torch.tensor([1])
        for _ in range(tokens):
            x = self.embeddings[token]
            for i, layer in enumerate(self.layers):
                x, caches[i] = layer.step(x, caches[i])
            token = self.head(x).argmax(-1)


def one_scan(scan):
    generator = torch.Generator().manual_seed(1)
    draw = lambda *shape: torch.rand(*shape, generator=generator)
    u, delta, B, C = (draw(1, 2048, n) for n in (INNER, INNER, STATE, STATE))
    A, D = -draw(INNER, STATE) - 0.1, draw(INNER)
    return lambda: selective_scan(u, delta * 0.1, A, B, C, D, scan)


def blas_libraries():
    """The BLAS libraries that this process has loaded (on Linux)."""
    try:
        with open("/proc/self/maps") as maps:
            return sorted(set(re.findall(r"/\S*(?:blas|blis|mkl)\S*", maps.read())))
    except OSError:
        return []


def inference_measurements(options):
    """What to time by name, and how many tokens one run is."""
    model = Model(options.layers)
    return {
        "prefill, parallel scan": (lambda: model.prefill(options.length, parallel_scan), options.length),
        "prefill, sequential scan": (lambda: model.prefill(options.length, sequential_scan), options.length),
        "decode": (lambda: model.decode(options.tokens), options.tokens),
        "scan L 2048 ED 1536 N 16, parallel": (one_scan(parallel_scan), None),
        "scan L 2048 ED 1536 N 16, sequential": (one_scan(sequential_scan), None),
    }


def measure(measurements, runs):
    """Times in seconds by name, over rounds that go through all measurements in turn; the first round is not counted."""
    times = {name: [] for name in measurements}
    for run in range(runs + 1):
        for name, (body, _) in measurements.items():
            start = time.perf_counter()
            body()
            seconds = time.perf_counter() - start
            if run > 0:
                times[name].append(seconds)
            print(f"run {run}: {name}: {seconds:.3f} s", file=sys.stderr)
    results = {}
    for name, (_, tokens) in measurements.items():
        median, best = statistics.median(times[name]), min(times[name])
        results[name] = {"medianSeconds": median, "bestSeconds": best}
        if tokens is not None:
            results[name].update(medianTokensPerSecond=tokens / median, bestTokensPerSecond=tokens / best)
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=3, help="timed runs of each measurement, after one that is not")
    parser.add_argument("--layers", type=int, default=24)
    parser.add_argument("--length", type=int, default=512, help="prompt length of the prefill")
    parser.add_argument("--tokens", type=int, default=32, help="tokens decoded")
    parser.add_argument("--train", action="store_true", help="time training instead of inference")
    parser.add_argument("--sequential", action="store_true", help="train with the sequential scan: a minute for a block")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    check_scans()
    blas = blas_libraries()
    if blas and not any(re.search("openblas|blis|mkl", path) for path in blas):
        print(f"warning: only the reference BLAS is installed ({blas[0]}): see the top of this file", file=sys.stderr)

    if options.train:
        results = measure(training_measurements(options.sequential), options.runs)
    else:
        with torch.inference_mode():
            results = measure(inference_measurements(options), options.runs)
    malloc = {name: os.environ.get(name) for name in ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_")}
    report = {"torch": torch.__version__, **vars(options), "blas": blas, "malloc": malloc, "results": results}
    json.dump(report, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
