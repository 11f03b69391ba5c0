import { type LoraConfig, MambaError, resolveLoraConfig } from "@mamba/core";
import { type Json, type JsonObject, show } from "@mamba/core/safetensors";
import { CheckpointError } from "../errors.ts";
import { Fields } from "../json/fields.ts";
import { parseJsonObject } from "../json/parse.ts";

/** Fields of PEFT's `LoraConfig` that are read here, or that do not change what a trained adapter computes. */
const understood = new Set([
  "auto_mapping",
  "base_model_name_or_path",
  "bias",
  "eva_config",
  "exclude_modules",
  "inference_mode",
  "init_lora_weights",
  "layers_pattern",
  "layers_to_transform",
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
  "use_rslora",
]);

/** The modules of a model and of an adapter's file, by their names such as `backbone.layers.0.mixer.in_proj`. */
export interface AdapterModules {
  /** The modules that can be adapted. */
  readonly inModel: readonly string[];
  /** The modules that the tensors of the file adapt. */
  readonly inFile: readonly string[];
}

/**
 * Reads an `adapter_config.json` of PEFT. LoRA and rank-stabilized LoRA are supported: an option that is not known here must be
 * off (null, false or empty). An option that changes the result (DoRA, ranks per layer, …) is thus never ignored; the error
 * names it.
 *
 * Where the config selects modules by a pattern or by layers, the tensors of the file say which modules are adapted: patterns
 * are regular expressions, and those of a stranger may run without end.
 *
 * @param name for messages, which begin with it
 * @throws CheckpointError `JSON`, `DUPLICATE_KEY`, `CONFIG`, `UNSUPPORTED_ADAPTER`
 */
export function parseAdapterConfig(bytes: Uint8Array, name: string, modules: AdapterModules): LoraConfig {
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
  const requested = fields.get("target_modules") ?? fields.missing("target_modules");
  const targets = targetsOf(json, requested, modules, (target) => {
    const known = [...new Set(modules.inModel.map((module) => module.split(".").at(-1) ?? ""))].join(", ");
    const message = `${name}: adapters of ${show(target)} cannot be loaded, only of ${known}`;
    throw new CheckpointError("UNSUPPORTED_ADAPTER", message);
  });
  const rankStabilized = fields.boolean("use_rslora") ?? false;
  const base = fields.string("base_model_name_or_path");
  try {
    return resolveLoraConfig({ rank, alpha, rankStabilized, targets, base }, modules.inModel);
  } catch (cause) {
    if (!MambaError.is(cause)) throw cause;
    throw new CheckpointError("CONFIG", `${name}: ${cause.message}`, { cause });
  }
}

function targetsOf(
  json: JsonObject,
  requested: Json,
  { inModel, inFile }: AdapterModules,
  refuse: (target: Json) => never,
): string[] {
  const isPattern = typeof requested === "string" && requested !== "all-linear";
  if (isPattern || ["layers_to_transform", "exclude_modules"].some((key) => !isOff(json[key] ?? null))) {
    for (const module of inFile) if (!inModel.includes(module)) refuse(module);
    return shortNames(inFile, inModel);
  }
  // "all-linear" leaves out the head, and an embedding is not linear.
  if (requested === "all-linear")
    return shortNames(
      inModel.filter((module) => module.includes(".layers.")),
      inModel,
    );
  if (!Array.isArray(requested)) return refuse(requested);
  return requested.map((target: Json): string => {
    if (typeof target !== "string") return refuse(target);
    const isKnown = inModel.some((module) => module === target || module.endsWith(`.${target}`));
    return isKnown ? target : refuse(target);
  });
}

/** Modules by their last component where all modules of the model with that component are among them, others in full. */
function shortNames(modules: readonly string[], inModel: readonly string[]): string[] {
  const last = (module: string) => module.split(".").at(-1) ?? "";
  const isWhole = (name: string) =>
    inModel.every((module) => last(module) !== name || modules.includes(module));
  return [...new Set(modules.map((module) => (isWhole(last(module)) ? last(module) : module)))];
}

/** True for null, false, "", [] and {}. */
function isOff(value: Json): boolean {
  if (typeof value === "object" && value !== null) return Object.keys(value).length === 0;
  return value === null || value === false || value === "";
}

/** The `adapter_config.json` of an adapter, as PEFT writes it. */
export function adapterConfig({ rank, alpha, rankStabilized, targets, base }: LoraConfig): object {
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
    use_rslora: rankStabilized,
  };
}
