"""
Goldens of whole models: Vision Mamba and sequence models, forward and the gradients of all parameters, by autograd; and the same
models as folders that `loadModel` reads.
"""

import json

import torch
import torch.nn.functional as F

from golden_file import PACKAGE, Draw, exact
from gradient_goldens import differentiate
from mamba_reference import block_parameters, sequence_model, vision_mamba
from safetensors_file import to_bytes

SIZES = {"dModel": 8, "dInner": 12, "dState": 3, "dtRank": 2, "dConv": 3}


def stack_parameters(draw, layers, bidirectional, prefix=""):
    """The parameters of `stack`, with the sizes above."""
    M, E, N, R, W = SIZES.values()
    p = {}
    for i in range(layers):
        p[f"{prefix}layers.{i}.norm.weight"] = 1 + draw((M,), 0.3)
        mixer = block_parameters(draw, M, E, N, R, W, bidirectional=bidirectional)
        p.update({f"{prefix}layers.{i}.mixer.{name}": value for name, value in mixer.items()})
    p[f"{prefix}norm_f.weight"] = 1 + draw((M,), 0.3)
    return p


def head(draw, outputs):
    return {"head.weight": draw((outputs, SIZES["dModel"]), 0.5), "head.bias": draw((outputs,), 0.3)}


def resized(pos_embed, at, grid, size, mode):
    """A position embedding [1, N + 1, M], with its row of the class token at `at`, for another grid of patches."""
    patches = torch.cat([pos_embed[:, :at], pos_embed[:, at + 1 :]], 1)
    image = patches.reshape(1, *grid, -1).permute(0, 3, 1, 2)
    image = F.interpolate(image, size=size, mode=mode, align_corners=False)
    patches = image.flatten(2).transpose(1, 2)
    at_new = size[0] * size[1] // 2
    return torch.cat([patches[:, :at_new], pos_embed[:, at : at + 1], patches[:, at_new:]], 1)[0]


def write_folder(name, model_type, config, data, parameters, expected):
    """config.json, model.safetensors and, in expected.safetensors, an input with the results."""
    path = PACKAGE / "goldens" / name
    path.mkdir(exist_ok=True)
    text = {"model_type": model_type, "mamba_ts": {"config": config, "data": data}}
    (path / "config.json").write_text(json.dumps(text, indent=2) + "\n")
    as_floats = lambda tensors: {k: v.float() for k, v in tensors.items()}
    (path / "model.safetensors").write_bytes(to_bytes(as_floats(parameters), {"format": "pt"}))
    (path / "expected.safetensors").write_bytes(to_bytes(as_floats(expected)))


def write_vision():
    M = SIZES["dModel"]
    # Patches of 4 x 4 that overlap by 2, three channels, the class token in the middle of 4 x 3 patches.
    draw = Draw(60)
    images, grid, classes, layers = draw((2, 10, 8, 3)), (4, 3), 5, 2
    p = {
        "cls_token": draw((1, 1, M)), "pos_embed": draw((1, 13, M), 0.5),
        "patch_embed.proj.weight": draw((M, 3, 4, 4), 48**-0.5), "patch_embed.proj.bias": draw((M,), 0.3),
        **stack_parameters(draw, layers, True), **head(draw, classes),
    }  # fmt: skip
    resizes = {f"resized_{mode}": resized(p["pos_embed"], 6, grid, (6, 2), mode) for mode in ("bicubic", "bilinear")}
    config = {**SIZES, "nLayers": layers, "height": 10, "width": 8, "channels": 3, "patchSize": 4, "stride": 2}
    meta = {"config": {**config, "classes": classes, "classToken": "middle"}, "resized": {"height": 14, "width": 6}}

    def forward(q):
        return {"logits": vision_mamba(q["images"], q, layers, 2, "middle", True)}

    incoming = {"logits": draw((2, classes))}
    differentiate("vision-mamba", {"images": images, **exact(p)}, incoming, forward, meta, resizes)
    expected = {"x": images, **forward({"images": images, **exact(p)})}
    scaling = {"mean": [0.5, 0.25, 0.125], "std": [1, 2, 0.1]}
    sizes = {name: config[name] for name in ("height", "width", "channels")}
    data = {"kind": "images", **sizes, **scaling, "labels": ["a", "b", "c", "d", "é"]}
    write_folder("vision", "mamba_ts_vision", meta["config"], data, exact(p), expected)

    # Without a class token: the mean over patches that do not overlap; directions are added and not halved.
    draw = Draw(61)
    images, classes, layers = draw((3, 4, 6, 1)), 3, 1
    p = {
        "pos_embed": draw((1, 6, M), 0.5),
        "patch_embed.proj.weight": draw((M, 1, 2, 2), 0.5), "patch_embed.proj.bias": draw((M,), 0.3),
        **stack_parameters(draw, layers, True), **head(draw, classes),
    }  # fmt: skip
    config = {**SIZES, "nLayers": layers, "height": 4, "width": 6, "channels": 1, "patchSize": 2, "classes": classes}
    meta = {"config": {**config, "pooling": "mean", "divideOutput": False}}

    def mean(q):
        return {"logits": vision_mamba(q["images"], q, layers, 2, None, False)}

    differentiate("vision-mamba-mean", {"images": images, **exact(p)}, {"logits": draw((3, classes))}, mean, meta)


def write_sequences():
    M, layers = SIZES["dModel"], 2
    draw = Draw(62)
    x = draw((2, 7, 3))
    p = {
        "input_proj.weight": draw((M, 3), 0.6), "input_proj.bias": draw((M,), 0.3),
        **stack_parameters(draw, layers, True, "backbone."), **head(draw, 2),
    }  # fmt: skip
    ends = {"input": {"kind": "values", "channels": 3}, "pooling": "mean", "outputs": 2}
    meta = {"config": {**SIZES, "nLayers": layers, **ends, "direction": "bidirectional"}}

    def both(q):
        return {"y": sequence_model(q["x"], q, layers, "mean", True)}

    differentiate("sequence-mean", {"x": x, **exact(p)}, {"y": draw((2, 2))}, both, meta)
    columns = {"columns": ["wind", "rain", "temp"], "targets": ["temp"]}
    scaling = {"mean": [0.5, 0.25, -3], "std": [1, 2, 0.1]}
    data = {"kind": "series", **columns, **scaling, "context": 7, "horizon": 1, "levels": [0.25, 0.75]}
    expected = {"x": x, **both({"x": x, **exact(p)})}
    write_folder("sequence", "mamba_ts_sequence", meta["config"], data, exact(p), expected)

    draw = Draw(63)
    ids = [[3, 0, 5, 5, 1, 2], [4, 4, 0, 6, 1, 3]]
    p = {
        "backbone.embeddings.weight": draw((7, M)),
        **stack_parameters(draw, layers, False, "backbone."), **head(draw, 4),
    }  # fmt: skip
    for pooling in ("max", "last"):
        ends = {"input": {"kind": "tokens", "vocabSize": 7}, "pooling": pooling, "outputs": 4}
        meta = {"config": {**SIZES, "nLayers": layers, **ends}, "ids": ids}

        def causal(q):
            return {"y": sequence_model(torch.tensor(ids), q, layers, pooling)}

        differentiate(f"sequence-tokens-{pooling}", exact(p), {"y": draw((2, 4))}, causal, meta)


def write_models():
    write_vision()
    write_sequences()
