"""What the goldens of packages/conformance share: how they are drawn, sliced and written."""

import base64
import json
import pathlib

import torch

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
