import { type LMConfig, type MambaLMConfig, type MambaLMConfigInput, paddedVocabSize } from "@mamba/core";
import type { FloatDType } from "@mamba/kernel";
import type { Fields } from "../json/fields.ts";
import type { StoredAs, TensorShapes } from "./architecture.ts";
import { mixerHas, vocabulary } from "./vocabulary.ts";

// The fields that `MambaConfig` and `FalconMambaConfig` of transformers have in common.

export const torchNames: Readonly<Record<FloatDType, string>> = {
  f32: "float32",
  f16: "float16",
  bf16: "bfloat16",
};

/** Core's values of `innerNorms` by the names that a config.json has for them. */
const innerNorms = { none: "none", jamba: "weighted", falcon: "unweighted" } as const;

/** The name of `innerNorms` in a config.json. */
export function innerNormName(config: MambaLMConfig): string {
  return innerNormNames.find((name) => innerNorms[name] === config.innerNorms) ?? config.innerNorms;
}

const innerNormNames = Object.keys(innerNorms) as (keyof typeof innerNorms)[];

/**
 * Reads a config of `transformers`, whose defaults are used where they differ from ours. Real configs carry stale
 * duplicates: `hidden_size` wins over `d_model`, and `intermediate_size` over `expand * hidden_size`.
 */
export function fromHubConfig(fields: Fields, tensors?: TensorShapes): MambaLMConfigInput {
  fields.only("hidden_act", ["silu", "swish"]);
  const dModel = fields.count("hidden_size") ?? fields.count("d_model") ?? fields.missing("hidden_size");
  const nLayers =
    fields.count("num_hidden_layers") ?? fields.count("n_layer") ?? fields.missing("num_hidden_layers");
  const dInner = fields.count("intermediate_size") ?? Math.trunc((fields.number("expand") ?? 2) * dModel);
  const own = fields.object("mamba_ts");
  const normName = own?.only("inner_norms", innerNormNames);
  const vocabSize = own?.count("vocab_size") ?? fields.count("vocab_size") ?? fields.missing("vocab_size");
  return {
    ...vocabulary(vocabSize, fields.count("pad_vocab_size_multiple") ?? 1, tensors),
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
    bias: fields.boolean("use_bias") ?? mixerHas(tensors, "in_proj.bias") ?? false,
    convBias: fields.boolean("use_conv_bias") ?? mixerHas(tensors, "conv1d.bias") ?? true,
    tieEmbeddings: fields.boolean("tie_word_embeddings") ?? true,
    innerNorms: normName && innerNorms[normName],
    innerNormEps: own?.number("inner_norm_eps"),
    mupBaseWidth: own?.count("mup_base_width"),
    selective: own?.boolean("selective"),
  };
}

/** The fields of a config.json that differ between the model types of `transformers`. */
export interface HubType {
  readonly modelType: string;
  /** Class of the model in `transformers`; undefined when it has none. */
  readonly className: string | undefined;
  readonly normFields?: object;
  /** Fields under the key `mamba_ts`, which only this package reads. */
  readonly own?: object;
}

/** A config.json as `transformers` writes it. */
export function toHubConfig(config: MambaLMConfig, stored: StoredAs, type: HubType): object {
  return {
    ...commonFields(config, stored, type),
    num_hidden_layers: config.nLayers,
    intermediate_size: config.dInner,
    expand: config.dInner / config.dModel,
    state_size: config.dState,
    conv_kernel: config.dConv,
    time_step_rank: config.dtRank,
    time_step_min: config.dtMin,
    time_step_max: config.dtMax,
    time_step_floor: config.dtInitFloor,
    time_step_scale: config.dtScale,
    time_step_init_scheme: config.dtInit,
    layer_norm_epsilon: config.rmsNormEps,
    ...type.normFields,
    hidden_act: "silu",
    use_bias: config.bias,
    use_conv_bias: config.convBias,
    residual_in_fp32: true,
  };
}

/** The fields that the config.json of every model type has: its names, the vocabulary, the ids of tokens. */
export function commonFields(
  config: LMConfig,
  { dtype, stopIds, readsBytes = false, contextLength }: StoredAs,
  { modelType, className, own: ownFields }: HubType,
): object {
  const rows = paddedVocabSize(config);
  const isPadded = rows !== config.vocabSize;
  const own = {
    ...(isPadded && { vocab_size: config.vocabSize }),
    ...(readsBytes && { byte_tokenizer: true }),
    ...ownFields,
  };
  return {
    ...(className !== undefined && { architectures: [className] }),
    model_type: modelType,
    vocab_size: rows,
    ...(isPadded && { pad_vocab_size_multiple: config.padVocabSizeMultiple }),
    hidden_size: config.dModel,
    ...(contextLength !== undefined && { max_position_embeddings: contextLength }),
    initializer_range: config.initializerRange,
    tie_word_embeddings: config.tieEmbeddings,
    // Null where there is no such token: without the field transformers would use id 0.
    bos_token_id: stopIds[0] ?? null,
    eos_token_id: stopIds.length > 1 ? stopIds : (stopIds[0] ?? null),
    pad_token_id: stopIds[0] ?? null,
    torch_dtype: torchNames[dtype],
    ...(Object.keys(own).length > 0 && { mamba_ts: own }),
  };
}
