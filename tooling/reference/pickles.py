"""Files as torch.save writes them, beside the same tensors in safetensors; and some that the reader must refuse.

    /usr/bin/python3 tooling/reference/pickles.py

Same PyTorch, same files, but for `refused-legacy.bin`, which holds addresses of memory. `lm-tied*` are read, so that the state-spaces folders hold the models of those goldens.
"""

import collections
import json

import torch

from golden_file import PACKAGE
from safetensors_file import from_bytes, to_bytes

FOLDER = PACKAGE / "goldens" / "pickle"


def state_dict(tensors, tied):
    """The tensors as `MambaLMHeadModel.state_dict()` of the state-spaces code has them: its own name of the table, and the head tied."""
    renamed = {name.replace("backbone.embeddings.", "backbone.embedding."): value for name, value in tensors.items()}
    result = collections.OrderedDict(renamed)
    if tied:
        result["lm_head.weight"] = result["backbone.embedding.weight"]
    result._metadata = collections.OrderedDict([("", {"version": 1}), ("backbone", {"version": 1})])
    return result


def write_models():
    """Folders like those of state-spaces/mamba-130m: config.json in the original form, and pytorch_model.bin."""
    for suffix in ("", "-f16", "-bf16"):
        tensors = from_bytes((PACKAGE / "goldens" / f"lm-tied{suffix}" / "model.safetensors").read_bytes())
        folder = FOLDER / f"state-spaces{suffix}"
        folder.mkdir(parents=True, exist_ok=True)
        config = {
            "d_model": 16,
            "n_layer": 3,
            "vocab_size": 93,
            "ssm_cfg": {"d_state": 8, "dt_rank": 2},
            "rms_norm": True,
            "residual_in_fp32": True,
            "fused_add_norm": True,
            "pad_vocab_size_multiple": 8,
        }
        (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
        torch.save(state_dict(tensors, tied=True), folder / "pytorch_model.bin")


def write_kinds():
    """Tensors of every storage type, views, tied ones, parameters."""
    generator = torch.Generator().manual_seed(7)

    def random(*shape):
        return torch.randn(shape, generator=generator)

    base = random(6, 4)
    table = random(5, 3)
    floats = {
        "f32": random(2, 3),
        "f16": random(3).half(),
        "bf16": random(2, 2, 2).bfloat16(),
        "rows": base[2:5],
        "first": base[0],
        "flat": base.reshape(24),
        "one column": base[:1, 3:],
        "scalar": random(),
        "empty": random(0, 3),
        "table": table,
        "head": table,
        "parameter": torch.nn.Parameter(random(2)),
        "frozen": torch.nn.Parameter(random(2), requires_grad=False),
        "name with \u00e9, \"quotes\" and \U0001f40d": random(1),
    }
    others = {
        "f64": random(2).double(),
        "i64": torch.tensor([1, -(2**40)]),
        "i32": torch.tensor([1, -2], dtype=torch.int32),
        "i16": torch.tensor([1, -2], dtype=torch.int16),
        "i8": torch.tensor([1, -2], dtype=torch.int8),
        "u8": torch.tensor([1, 255], dtype=torch.uint8),
        "bool": torch.tensor([True, False]),
    }
    tensors = {**floats, **others}
    for protocol in (2, 3, 4, 5):
        torch.save(tensors, FOLDER / f"kinds-{protocol}.bin", pickle_protocol=protocol)
    (FOLDER / "kinds.safetensors").write_bytes(to_bytes({name: tensor.detach() for name, tensor in floats.items()}))


def write_refused():
    torch.save({"w": torch.ones(2, 3).t()}, FOLDER / "refused-strides.bin")
    torch.save(torch.nn.Linear(2, 2), FOLDER / "refused-module.bin")
    torch.save({"model": {"w": torch.ones(2)}, "step": 3}, FOLDER / "refused-nested.bin")
    torch.save({"w": torch.ones(2), "dtype": torch.float16}, FOLDER / "refused-class.bin")
    torch.save({"w": torch.ones(2)}, FOLDER / "refused-legacy.bin", _use_new_zipfile_serialization=False)
    torch.save(torch.ones(2), FOLDER / "refused-tensor.bin")


if __name__ == "__main__":
    torch.manual_seed(7)
    FOLDER.mkdir(parents=True, exist_ok=True)
    write_models()
    write_kinds()
    write_refused()
