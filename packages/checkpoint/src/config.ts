import { MambaError, type MambaLMConfig, type MambaLMConfigInput, resolveLMConfig } from "@mamba/core";
import type { Shape } from "@mamba/kernel";
import { CheckpointError, show } from "./errors.ts";
import { Fields } from "./fields.ts";
import { type JsonObject, parseJsonObject } from "./json.ts";

/**
 * Who wrote a config: the two model types of `transformers`, the original state-spaces code, or this package where
 * `transformers` has no such model (Jamba-style inner norms, muP, no selection).
 */
export type ConfigFormat = "mamba" | "falcon_mamba" | "state-spaces" | "mamba_ts";

/** What a config.json says. */
export interface ParsedConfig {
  readonly format: ConfigFormat;
  readonly config: MambaLMConfig;
  /** Ids that end a text; empty when the config names none. */
  readonly eosIds: readonly number[];
}

/** Shapes by tensor name, of the weights that lie beside a config. */
export type TensorShapes = ReadonlyMap<string, { readonly shape: Shape }>;

/** No config may be longer. */
export const configCap = 2 ** 20;

/**
 * Reads a `config.json`: model types `mamba` and `falcon_mamba`, or the original state-spaces form. Real configs carry
 * stale twins, so `hidden_size` wins over `d_model` and `intermediate_size` over `expand * hidden_size`. Where the
 * config is silent and `tensors` is given, the tensors decide: biases by their presence, vocabulary padding by the
 * rows of the table.
 *
 * @param name for messages
 * @throws CheckpointError `JSON`, `DUPLICATE_KEY`, `CONFIG`, `UNSUPPORTED_MODEL`
 */
export function parseConfig(bytes: Uint8Array, tensors?: TensorShapes, name = "config.json"): ParsedConfig {
  const json = parseJsonObject(bytes, name, true);
  const fields = new Fields(json, name);
  const type = json["model_type"] ?? undefined;
  const eosIds = fields.ids("eos_token_id") ?? [];
  if (type === undefined) {
    if (!("d_model" in json))
      throw new CheckpointError("CONFIG", `${name}: there is neither model_type nor d_model`);
    return { format: "state-spaces", config: resolve(originalInput(fields, tensors), name), eosIds };
  }
  if (type !== "mamba" && type !== "falcon_mamba" && type !== "mamba_ts") {
    const hint = type === "mamba2" ? ": Mamba-2 is another architecture, with scalar A per head" : "";
    const known = "mamba, falcon_mamba and the original state-spaces form are supported";
    throw new CheckpointError(
      "UNSUPPORTED_MODEL",
      `${name}: model_type ${show(type)} cannot be loaded${hint}; ${known}`,
    );
  }
  return { format: type, config: resolve(hubInput(type, fields, tensors), name), eosIds };
}

/** The fields of `MambaConfig` and `FalconMambaConfig` in transformers, with their defaults where ours differ. */
function hubInput(type: ConfigFormat, fields: Fields, tensors?: TensorShapes): MambaLMConfigInput {
  fields.only("hidden_act", ["silu", "swish"]);
  const dModel = fields.count("hidden_size") ?? fields.count("d_model") ?? fields.missing("hidden_size");
  const nLayers =
    fields.count("num_hidden_layers") ?? fields.count("n_layer") ?? fields.missing("num_hidden_layers");
  const dInner = fields.count("intermediate_size") ?? Math.trunc((fields.number("expand") ?? 2) * dModel);
  const own = fields.object("mamba_ts");
  return {
    ...vocabulary(fields, tensors, own),
    dModel,
    nLayers,
    dInner,
    expand: dInner / dModel,
    dState: fields.count("state_size"),
    dConv: fields.count("conv_kernel"),
    dtRank: fields.get("time_step_rank") === "auto" ? undefined : fields.count("time_step_rank"),
    dtMin: fields.number("time_step_min"),
    dtMax: fields.number("time_step_max"),
    dtInitFloor: fields.number("time_step_floor"),
    dtScale: fields.number("time_step_scale"),
    dtInit: fields.only("time_step_init_scheme", ["random", "constant"]),
    rmsNormEps: fields.number("layer_norm_epsilon"),
    initializerRange: fields.number("initializer_range") ?? 0.1,
    bias: fields.boolean("use_bias") ?? hasTensor(tensors, "in_proj.bias"),
    convBias: fields.boolean("use_conv_bias") ?? (tensors ? hasTensor(tensors, "conv1d.bias") : true),
    tieEmbeddings: fields.boolean("tie_word_embeddings") ?? true,
    innerNorms: innerNorms(type, own),
    innerNormEps: type === "falcon_mamba" ? fields.number("mixer_rms_eps") : own?.number("inner_norm_eps"),
    mupBaseWidth: own?.count("mup_base_width"),
    selective: own?.boolean("selective"),
  };
}

/** The models of `transformers` name their kind of inner norms by their type; `mamba_ts` configs say it. */
function innerNorms(type: ConfigFormat, own: Fields | undefined): MambaLMConfigInput["innerNorms"] {
  if (type === "falcon_mamba") return "unweighted";
  const name = own?.only("inner_norms", ["none", "jamba", "falcon"]);
  return name === "jamba" ? "weighted" : name === "falcon" ? "unweighted" : name;
}

/** The original form: `MambaConfig` of the state-spaces code, whose `ssm_cfg` holds the arguments of each block. */
function originalInput(fields: Fields, tensors?: TensorShapes): MambaLMConfigInput {
  const block = fields.object("ssm_cfg") ?? new Fields(Object.create(null) as JsonObject, "ssm_cfg");
  const layer = block.get("layer");
  if (layer !== undefined && layer !== "Mamba1") fields.unsupported(`ssm_cfg.layer ${show(layer)}`);
  if (fields.boolean("rms_norm") === false) fields.unsupported("rms_norm false (LayerNorm)");
  if ((fields.number("d_intermediate") ?? 0) > 0)
    fields.unsupported("d_intermediate above 0 (an MLP in each layer)");
  const attention = fields.get("attn_layer_idx");
  if (Array.isArray(attention) && attention.length > 0)
    fields.unsupported("attn_layer_idx (attention layers)");
  const dModel = fields.count("d_model") ?? fields.missing("d_model");
  const dInner = Math.trunc((block.number("expand") ?? 2) * dModel);
  return {
    ...vocabulary(fields, tensors),
    dModel,
    nLayers: fields.count("n_layer") ?? fields.missing("n_layer"),
    dInner,
    expand: dInner / dModel,
    dState: block.count("d_state"),
    dConv: block.count("d_conv"),
    dtRank: block.get("dt_rank") === "auto" ? undefined : block.count("dt_rank"),
    dtMin: block.number("dt_min"),
    dtMax: block.number("dt_max"),
    dtInitFloor: block.number("dt_init_floor"),
    dtScale: block.number("dt_scale"),
    dtInit: block.only("dt_init", ["random", "constant"]),
    bias: block.boolean("bias") ?? hasTensor(tensors, "in_proj.bias"),
    convBias: block.boolean("conv_bias") ?? (tensors ? hasTensor(tensors, "conv1d.bias") : true),
    tieEmbeddings: fields.boolean("tie_embeddings") ?? true,
  };
}

/**
 * The original code rounds the table up to `pad_vocab_size_multiple` (default 8), and its converted configs keep that
 * key although their `vocab_size` already counts the rows. So the rows of the table decide where they are known.
 */
function vocabulary(fields: Fields, tensors?: TensorShapes, own?: Fields) {
  const vocabSize = own?.count("vocab_size") ?? fields.count("vocab_size") ?? fields.missing("vocab_size");
  const isOriginal = fields.get("model_type") === undefined;
  const multiple = fields.count("pad_vocab_size_multiple") ?? (isOriginal ? 8 : 1);
  const table = ["backbone.embeddings.weight", "backbone.embedding.weight"].find((key) => tensors?.has(key));
  const rows = table === undefined ? undefined : tensors?.get(table)?.shape[0];
  return { vocabSize, padVocabSizeMultiple: rows === vocabSize ? 1 : multiple };
}

function hasTensor(tensors: TensorShapes | undefined, suffix: string): boolean {
  return tensors?.has(`backbone.layers.0.mixer.${suffix}`) ?? false;
}

function resolve(input: MambaLMConfigInput, name: string): MambaLMConfig {
  try {
    return resolveLMConfig(input);
  } catch (cause) {
    if (!MambaError.is(cause)) throw cause;
    throw new CheckpointError("CONFIG", `${name}: ${cause.message}`, { cause });
  }
}
