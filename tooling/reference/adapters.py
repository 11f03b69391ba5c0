"""LoRA adapters as PEFT writes them, for the tiny checkpoints, with what the adapted models must answer in float64."""

import json

import torch

from checkpoints import MODELS
from mamba_reference import language_model
from safetensors_file import from_bytes, to_bytes

ADAPTERS = {
    "lora-tied": {"base": "lm-tied", "r": 4, "alpha": 10, "dtype": torch.float32,
                  "targets": ["out_proj", "in_proj", "dt_proj", "x_proj"]},
    "lora-untied-bf16": {"base": "lm-untied-bf16", "r": 2, "alpha": 2, "dtype": torch.float16,
                         "targets": ["x_proj", "in_proj", "out_proj"]},
}


def config_of(adapter):
    """`adapter_config.json` of PEFT 0.14. Its targets come from a set: their order says nothing."""
    return {
        "alpha_pattern": {}, "auto_mapping": None, "base_model_name_or_path": adapter["base"], "bias": "none",
        "eva_config": None, "exclude_modules": None, "fan_in_fan_out": False, "inference_mode": True,
        "init_lora_weights": True, "layer_replication": None, "layers_pattern": None, "layers_to_transform": None,
        "loftq_config": {}, "lora_alpha": adapter["alpha"], "lora_bias": False, "lora_dropout": 0.05,
        "megatron_config": None, "megatron_core": "megatron.core", "modules_to_save": None, "peft_type": "LORA",
        "r": adapter["r"], "rank_pattern": {}, "revision": None, "target_modules": adapter["targets"],
        "task_type": "CAUSAL_LM", "use_dora": False, "use_rslora": False,
    }  # fmt: skip


def write_adapters(folder):
    for seed, (name, adapter) in enumerate(ADAPTERS.items()):
        generator = torch.Generator().manual_seed(seed)
        base = folder / adapter["base"]
        weights = from_bytes((base / "model.safetensors").read_bytes())
        adapted = {k: v.double() for k, v in weights.items()}
        merged = dict(adapted)  # rounded to what the base stores
        model = MODELS[adapter["base"].removesuffix("-bf16")]
        stored = {}
        for i in range(model["layers"]):
            for target in adapter["targets"]:
                module = f"backbone.layers.{i}.mixer.{target}"
                weight = weights[module + ".weight"]  # [O, I]
                # Large enough that each target matters to the logits.
                a, b = (
                    (torch.randn(shape, generator=generator, dtype=torch.float64) * 0.3).to(adapter["dtype"])
                    for shape in ((adapter["r"], weight.shape[1]), (weight.shape[0], adapter["r"]))
                )
                stored[f"base_model.model.{module}.lora_A.weight"] = a
                stored[f"base_model.model.{module}.lora_B.weight"] = b
                total = weight.double() + adapter["alpha"] / adapter["r"] * b.double() @ a.double()
                adapted[module + ".weight"] = total
                merged[module + ".weight"] = total.float().to(weight.dtype).double()
        prompts = json.loads((base / "expected.json").read_text())["prompts"]
        answers = {
            prefix + prompt["logits"]: language_model(prompt["promptIds"], p, model["layers"], 1e-5, "none", 1e-6).float()
            for prompt in prompts
            for prefix, p in (("", adapted), ("merged.", merged))
        }
        path = folder / name
        path.mkdir(exist_ok=True)
        (path / "adapter_config.json").write_text(json.dumps(config_of(adapter), indent=2) + "\n")
        (path / "adapter_model.safetensors").write_bytes(to_bytes(stored, {"format": "pt"}))
        expected = [{"promptIds": prompt["promptIds"], "logits": prompt["logits"]} for prompt in prompts]
        (path / "expected.json").write_text(json.dumps({"prompts": expected}) + "\n")
        (path / "expected.safetensors").write_bytes(to_bytes(answers))
