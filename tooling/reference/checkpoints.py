"""Tiny language models as complete Hugging Face checkpoint folders, with what they must answer."""

import json

import torch

from mamba_reference import block_parameters, language_model
from safetensors_file import to_bytes

PROMPT_LENGTHS = (12, 5)
GENERATED = 20

MODELS = {
    "lm-tied": {"model_type": "mamba", "vocab": 96, "tied": True, "bias": False, "layers": 3},
    "lm-untied": {"model_type": "mamba", "vocab": 93, "tied": False, "bias": True, "layers": 2},
    "lm-falcon": {"model_type": "falcon_mamba", "vocab": 88, "tied": False, "bias": False, "layers": 2},
}
DTYPES = {"": torch.float32, "-f16": torch.float16, "-bf16": torch.bfloat16}
M, E, N, R, W = 16, 32, 8, 2, 4


def config_of(model, dtype):
    """What transformers writes for such a model; falcon's `expand` is as stale as in the real one."""
    falcon = model["model_type"] == "falcon_mamba"
    config = {
        "architectures": ["FalconMambaForCausalLM" if falcon else "MambaForCausalLM"],
        "bos_token_id": 0,
        "conv_kernel": W,
        "eos_token_id": 0,
        "expand": 16 if falcon else E // M,
        "hidden_act": "silu",
        "hidden_size": M,
        "initializer_range": 0.1,
        "intermediate_size": E,
        "layer_norm_epsilon": 1e-05,
        "model_type": model["model_type"],
        "num_hidden_layers": model["layers"],
        "pad_token_id": 0,
        "rescale_prenorm_residual": False,
        "residual_in_fp32": True,
        "state_size": N,
        "tie_word_embeddings": model["tied"],
        "time_step_floor": 0.0001,
        "time_step_init_scheme": "random",
        "time_step_max": 0.1,
        "time_step_min": 0.001,
        "time_step_rank": R,
        "time_step_scale": 1.0,
        "torch_dtype": str(dtype).removeprefix("torch."),
        "transformers_version": "4.46.0",
        "use_bias": model["bias"],
        "use_cache": True,
        "use_conv_bias": True,
        "vocab_size": model["vocab"],
    }
    if falcon:
        config["mixer_rms_eps"] = 1e-06
    return dict(sorted(config.items()))


def parameters_of(model, seed):
    generator = torch.Generator().manual_seed(seed)

    def random(shape, scale):
        return torch.randn(shape, generator=generator, dtype=torch.float64) * scale

    # A tied head favours the token just read: small embeddings leave the choice to the layers.
    p = {"backbone.embeddings.weight": random((model["vocab"], M), 0.15 if model["tied"] else 0.5)}
    for i in range(model["layers"]):
        prefix = f"backbone.layers.{i}."
        p[prefix + "norm.weight"] = 1 + random((M,), 0.2)
        for name, value in block_parameters(random, M, E, N, R, W, bias=model["bias"]).items():
            p[f"{prefix}mixer.{name}"] = value
    p["backbone.norm_f.weight"] = 1 + random((M,), 0.2)
    if not model["tied"]:
        p["lm_head.weight"] = random((model["vocab"], M), 1.0)
    prompts = [torch.randint(1, model["vocab"], (n,), generator=generator).tolist() for n in PROMPT_LENGTHS]
    return p, prompts


def answer(model, p, prompt):
    """Greedy tokens, and logits [prompt + 19, V]: every position that the model has seen by then."""
    norms = "falcon" if model["model_type"] == "falcon_mamba" else "none"
    ids = list(prompt)
    for _ in range(GENERATED):
        logits = language_model(ids, p, model["layers"], 1e-5, norms, 1e-6)
        ids.append(int(logits[-1].argmax()))
    top = logits[len(prompt) - 1 :].topk(2, -1).values
    return ids[len(prompt) :], logits, float((top[:, 0] - top[:, 1]).min())


def answers(model, p, prompts):
    """The answers to all prompts, or None when they would make a poor golden."""
    found = [answer(model, p, prompt) for prompt in prompts]
    # A good golden: no near-tie that rounding could turn, no end of text, and not one token over and over.
    good = all(gap > 0.01 and 0 not in ids and len(set(ids)) >= 6 for ids, _, gap in found)
    return found if good else None


def all_answers(model, seed):
    """Parameters, prompts and answers in every storage type, or None when one of them is a poor golden."""
    raw, prompts = parameters_of(model, seed)
    found = {}
    for suffix, dtype in DTYPES.items():
        stored = {k: v.to(dtype) for k, v in raw.items()}
        answered = answers(model, {k: v.double() for k, v in stored.items()}, prompts)
        if answered is None:
            return None
        found[suffix] = stored, prompts, answered
    return found


def write_checkpoints(folder):
    for name, model in MODELS.items():
        seed = 0
        while (found := all_answers(model, seed)) is None:
            seed += 1
        for suffix, dtype in DTYPES.items():
            write_one(folder / (name + suffix), config_of(model, dtype), *found[suffix])
        print(name, "from seed", seed)


def write_one(path, config, tensors, prompts, found):
    path.mkdir(parents=True, exist_ok=True)
    (path / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    (path / "model.safetensors").write_bytes(to_bytes(tensors, {"format": "pt"}))
    expected = [
        {"promptIds": prompt, "greedyIds": ids, "logits": f"logits.{i}"}
        for i, (prompt, (ids, _, _)) in enumerate(zip(prompts, found))
    ]
    (path / "expected.json").write_text(json.dumps({"prompts": expected}) + "\n")
    logits = {f"logits.{i}": answered[1].float() for i, answered in enumerate(found)}
    (path / "expected.safetensors").write_bytes(to_bytes(logits))
