import { type LoraConfig, mambaLinears, MambaError, resolveLoraConfig } from "@mamba/core";
import { type Json, show } from "@mamba/core/safetensors";
import { CheckpointError } from "../errors.ts";
import { Fields } from "../json/fields.ts";
import { parseJsonObject } from "../json/parse.ts";

/** Fields of PEFT's `LoraConfig` that are read here, or that do not change what a trained adapter computes. */
const understood = new Set([
  "auto_mapping",
  "base_model_name_or_path",
  "bias",
  "eva_config",
  "inference_mode",
  "init_lora_weights",
  "lora_alpha",
  "lora_dropout",
  "megatron_core",
  "peft_type",
  "peft_version",
  "qalora_group_size",
  "r",
  "revision",
  "target_modules",
  "task_type",
]);

/**
 * Reads an `adapter_config.json` of PEFT. Only plain LoRA is supported: an option that is not known here must be off (null,
 * false or empty). An option that changes the result (DoRA, rsLoRA, ranks per layer, …) is thus never ignored; the error
 * names it.
 *
 * @param name for messages, which begin with it
 * @throws CheckpointError `JSON`, `DUPLICATE_KEY`, `CONFIG`, `UNSUPPORTED_ADAPTER`
 */
export function parseAdapterConfig(bytes: Uint8Array, name: string): LoraConfig {
  const json = parseJsonObject(bytes, name);
  const fields = new Fields(json, name);
  const unsupported = (key: string): never => {
    const message = `${name}: adapters with ${key} ${show(json[key])} cannot be loaded`;
    throw new CheckpointError("UNSUPPORTED_ADAPTER", message);
  };
  const type = fields.string("peft_type") ?? fields.missing("peft_type");
  if (type !== "LORA") unsupported("peft_type");
  if ((fields.string("bias") ?? "none") !== "none") unsupported("bias");
  if ((fields.string("task_type") ?? "CAUSAL_LM") !== "CAUSAL_LM") unsupported("task_type");
  // The other initialisations (PiSSA, OLoRA, CorDA, LoftQ) change the base weights as well.
  const start = fields.get("init_lora_weights") ?? true;
  if (![true, false, "gaussian", "orthogonal", "eva"].includes(start as string)) {
    unsupported("init_lora_weights");
  }
  for (const [key, value] of Object.entries(json)) {
    if (!understood.has(key) && !isOff(value)) unsupported(key);
  }
  const rank = fields.count("r") ?? fields.missing("r");
  const alpha = fields.number("lora_alpha") ?? fields.missing("lora_alpha");
  const modules = fields.get("target_modules") ?? fields.missing("target_modules");
  if (!Array.isArray(modules)) return unsupported("target_modules"); // a pattern
  const targets = modules.map((module: Json): string => {
    const target = mambaLinears.find((known) => known === module);
    if (target !== undefined) return target;
    const message = `${name}: adapters of ${show(module)} cannot be loaded, only of ${mambaLinears.join(", ")}`;
    throw new CheckpointError("UNSUPPORTED_ADAPTER", message);
  });
  try {
    return resolveLoraConfig({ rank, alpha, targets, base: fields.string("base_model_name_or_path") });
  } catch (cause) {
    if (!MambaError.is(cause)) throw cause;
    throw new CheckpointError("CONFIG", `${name}: ${cause.message}`, { cause });
  }
}

/** True for null, false, "", [] and {}. */
function isOff(value: Json): boolean {
  if (typeof value === "object" && value !== null) return Object.keys(value).length === 0;
  return value === null || value === false || value === "";
}

/** The `adapter_config.json` of an adapter, as PEFT writes it. */
export function adapterConfig({ rank, alpha, targets, base }: LoraConfig): object {
  return {
    alpha_pattern: {},
    auto_mapping: null,
    base_model_name_or_path: base ?? null,
    bias: "none",
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    layer_replication: null,
    layers_pattern: null,
    layers_to_transform: null,
    lora_alpha: alpha,
    lora_dropout: 0,
    modules_to_save: null,
    peft_type: "LORA",
    r: rank,
    rank_pattern: {},
    revision: null,
    target_modules: targets,
    task_type: "CAUSAL_LM",
    use_dora: false,
    use_rslora: false,
  };
}
