import { type LoraConfig, MambaError, resolveLoraConfig } from "@mamba/core";
import { isObject, type Json, type JsonObject, show } from "@mamba/core/safetensors";
import { CheckpointError } from "../errors.ts";
import { Fields } from "../json/fields.ts";
import { parseJsonObject } from "../json/parse.ts";
import {
  type AdaptedLayer,
  areRenamed,
  type Joined,
  lastName,
  layersOfModules,
  shortNames,
} from "./modules.ts";

/** Fields of PEFT's `LoraConfig` that are read here, or that do not change what a trained adapter computes. */
const understood = new Set([
  "alpha_pattern",
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
  "rank_pattern",
  "revision",
  "target_modules",
  "task_type",
  "use_rslora",
]);

/**
 * Reads an `adapter_config.json` of PEFT. LoRA and rank-stabilized LoRA are supported: an option that is not known here must be
 * off (null, false or empty). An option that changes the result (DoRA, ranks per layer, …) is thus never ignored; the error
 * names it.
 *
 * Where the config selects modules by a pattern or by layers, the tensors of the file say which modules are adapted: patterns
 * are regular expressions, and those of a stranger may run without end.
 *
 * Ranks by a pattern are those that `adapterConfig` writes for modules that join layers.
 *
 * @param name for messages, which begin with it
 * @param inFile modules that the tensors of the file adapt
 * @throws CheckpointError `JSON`, `DUPLICATE_KEY`, `CONFIG`, `UNSUPPORTED_ADAPTER`
 */
export function parseAdapterConfig(
  bytes: Uint8Array,
  name: string,
  layers: readonly AdaptedLayer[],
  inFile: readonly string[],
): { readonly config: LoraConfig; readonly joined: Joined } {
  const held = layersOfModules(layers);
  const inModel = [...held.keys()];
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
  const targets = targetsOf(json, requested, { inModel, inFile }, (target) => {
    const known = [...new Set(inModel.map(lastName))].join(", ");
    const message = `${name}: adapters of ${show(target)} cannot be loaded, only of ${known}`;
    throw new CheckpointError("UNSUPPORTED_ADAPTER", message);
  });
  const rankStabilized = fields.boolean("use_rslora") ?? false;
  const base = fields.string("base_model_name_or_path");
  const joined = joinedOf(json, { rank, alpha, rankStabilized }, held, unsupported);
  const own = layers.map(({ module }) => module);
  try {
    const ownTargets = areRenamed(layers) ? ownNames(targets, held, own) : targets;
    const config = resolveLoraConfig({ rank, alpha, rankStabilized, targets: ownTargets, base }, own);
    return { config, joined };
  } catch (cause) {
    if (!MambaError.is(cause)) throw cause;
    throw new CheckpointError("CONFIG", `${name}: ${cause.message}`, { cause });
  }
}

/** Targets of core that adapt what these modules of the file adapt. */
function ownNames(
  targets: readonly string[],
  held: ReadonlyMap<string, readonly AdaptedLayer[]>,
  own: readonly string[],
): string[] {
  const chosen = new Set<string>();
  for (const [file, layers] of held) {
    if (!targets.some((target) => isTarget(file, target))) continue;
    for (const { module } of layers) chosen.add(module);
  }
  return shortNames([...chosen], own);
}

/** Modules whose rank and alpha are those of the adapter times the number of layers that they join. */
function joinedOf(
  json: JsonObject,
  { rank, alpha, rankStabilized }: Pick<LoraConfig, "rank" | "alpha" | "rankStabilized">,
  held: ReadonlyMap<string, readonly AdaptedLayer[]>,
  unsupported: (key: string) => never,
): Joined {
  const patternOf = (key: string): ReadonlyMap<string, Json> => {
    const value = json[key] ?? {};
    return isObject(value) ? new Map(Object.entries(value)) : unsupported(key);
  };
  const [ranks, alphas] = [patternOf("rank_pattern"), patternOf("alpha_pattern")];
  const joined = new Map<string, number>();
  for (const [target, value] of ranks) {
    const found = [...held].filter(([module]) => isTarget(module, target));
    if (found.length === 0 || found.some(([, { length }]) => value !== rank * length || length === 1))
      unsupported("rank_pattern");
    for (const [module, { length }] of found) {
      const expected = alpha * (rankStabilized ? Math.sqrt(length) : length);
      if (Math.abs(Number(alphas.get(target)) - expected) > 1e-6 * expected || !alphas.has(target))
        unsupported("alpha_pattern");
      joined.set(module, length);
    }
  }
  if ([...alphas.keys()].some((target) => !ranks.has(target))) unsupported("alpha_pattern");
  return joined;
}

function targetsOf(
  json: JsonObject,
  requested: Json,
  { inModel, inFile }: { readonly inModel: readonly string[]; readonly inFile: readonly string[] },
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
    const isKnown = inModel.some((module) => isTarget(module, target));
    return isKnown ? target : refuse(target);
  });
}

/** True when `target` names the module: its whole name, or the last components of it. */
function isTarget(module: string, target: string): boolean {
  return module === target || module.endsWith(`.${target}`);
}

/** True for null, false, "", [] and {}. */
function isOff(value: Json): boolean {
  if (typeof value === "object" && value !== null) return Object.keys(value).length === 0;
  return value === null || value === false || value === "";
}

/**
 * The `adapter_config.json` of an adapter, as PEFT writes it.
 *
 * @param targets the modules, by their names in the class of the model. Default: those of the config
 * @param joined modules whose rank is that of several layers together
 */
export function adapterConfig(
  { rank, alpha, rankStabilized, targets: ownTargets, base }: LoraConfig,
  targets: readonly string[] = ownTargets,
  joined: Joined = new Map(),
): object {
  const patternOf = (one: (count: number) => number) =>
    Object.fromEntries([...joined].map(([module, count]) => [module, one(count)]));
  return {
    alpha_pattern: patternOf((count) => alpha * (rankStabilized ? Math.sqrt(count) : count)),
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
    rank_pattern: patternOf((count) => rank * count),
    revision: null,
    target_modules: targets,
    task_type: "CAUSAL_LM",
    use_dora: false,
    use_rslora: rankStabilized,
  };
}
