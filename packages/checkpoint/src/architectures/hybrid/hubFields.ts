import {
  attention,
  type AttentionConfig,
  type AttentionConfigInput,
  type HybridLMConfigInput,
  type MambaLMConfig,
  mamba2,
  type Mamba2Config,
  type Mamba2ConfigInput,
  type ModuleSpec,
} from "@mamba/core";
import type { Fields } from "../../json/fields.ts";
import type { TensorShapes } from "../architecture.ts";
import { vocabulary } from "../vocabulary.ts";

// Fields that several model types of `transformers` have in common.

/** The fields of a model beside its layers. @param tables names that the embedding table may have */
export function modelFields(
  fields: Fields,
  tensors: TensorShapes | undefined,
  tables: readonly string[],
): Pick<MambaLMConfig, "vocabSize" | "padVocabSizeMultiple" | "tieEmbeddings" | "dModel"> & {
  readonly initializerRange: number;
} {
  const own = fields.object("mamba_ts");
  const vocabSize = own?.count("vocab_size") ?? fields.count("vocab_size") ?? fields.missing("vocab_size");
  return {
    ...vocabulary(vocabSize, fields.count("pad_vocab_size_multiple") ?? 1, tensors, tables),
    dModel: fields.count("hidden_size") ?? fields.missing("hidden_size"),
    tieEmbeddings: fields.boolean("tie_word_embeddings") ?? false,
    initializerRange: fields.number("initializer_range") ?? 0.02,
  };
}

/** Fields that every module of a model is given. */
export type Common = Pick<Mamba2ConfigInput, "dModel" | "nLayers" | "initializerRange">;

/** The mixer of `bamba`, `granitemoehybrid` and `falcon_h1`, whose fields begin with `mamba_`. */
export function prefixedMamba2(
  fields: Fields,
  common: Common,
  change: Partial<Mamba2ConfigInput>,
): ModuleSpec {
  const dInner =
    fields.count("mamba_d_ssm") ?? Math.trunc((fields.number("mamba_expand") ?? 2) * common.dModel);
  const heads = fields.count("mamba_n_heads") ?? 128;
  const headDim = fields.get("mamba_d_head") === "auto" ? undefined : fields.count("mamba_d_head");
  return mamba2({
    ...common,
    dInner,
    heads,
    headDim: headDim ?? dInner / heads,
    dState: fields.count("mamba_d_state") ?? 256,
    groups: fields.count("mamba_n_groups") ?? 1,
    dConv: fields.count("mamba_d_conv") ?? 4,
    convBias: fields.boolean("mamba_conv_bias") ?? true,
    bias: fields.boolean("mamba_proj_bias") ?? false,
    dtLimit: fields.range("time_step_limit"),
    dtMin: fields.number("time_step_min"),
    dtMax: fields.number("time_step_max"),
    dtInitFloor: fields.number("time_step_floor"),
    ...change,
  });
}

/** The fields of a Mamba-2 mixer that begin with `mamba_`. */
export function prefixedMamba2Fields(config: Mamba2Config): object {
  return {
    mamba_expand: config.dInner / config.dModel,
    mamba_n_heads: config.heads,
    mamba_d_head: config.headDim,
    mamba_d_state: config.dState,
    mamba_n_groups: config.groups,
    mamba_d_conv: config.dConv,
    mamba_conv_bias: config.convBias,
    mamba_proj_bias: config.bias,
    mamba_chunk_size: 256,
    ...limitFields(config),
  };
}

/** The range of delta, where it is not the default of `transformers`, and its range at initialisation. */
export function limitFields({ dtLimit: [min, max], dtMin, dtMax, dtInitFloor }: Mamba2Config): object {
  const isDefault = min === 0 && max === Infinity;
  return {
    ...(!isDefault && { time_step_limit: [min, max === Infinity ? { __float__: "Infinity" } : max] }),
    time_step_min: dtMin,
    time_step_max: dtMax,
    time_step_floor: dtInitFloor,
  };
}

/** An attention layer under the names of Llama's fields. */
export function llamaAttention(
  fields: Fields,
  common: Common,
  change: Partial<AttentionConfigInput>,
): ModuleSpec<ReturnType<typeof attention> extends ModuleSpec<infer M> ? M : never> {
  const heads = fields.count("num_attention_heads") ?? fields.missing("num_attention_heads");
  return attention({
    ...common,
    heads,
    kvHeads: fields.count("num_key_value_heads") ?? heads,
    headDim: fields.count("head_dim") ?? common.dModel / heads,
    bias: fields.boolean("attention_bias") ?? false,
    ...change,
  });
}

export function llamaAttentionFields({ heads, kvHeads, bias }: AttentionConfig): object {
  return { num_attention_heads: heads, num_key_value_heads: kvHeads, attention_bias: bias };
}

/** Base of the rotation angles; in `rope_parameters` since transformers 5. */
export function ropeTheta(fields: Fields): number | undefined {
  const parameters = fields.object("rope_parameters") ?? fields.object("rope_scaling");
  const type = parameters?.get(parameters.either("rope_type", "type")) ?? "default";
  if (type !== "default") fields.unsupported(`rotary positions of the type ${JSON.stringify(type)}`);
  return fields.number("rope_theta") ?? parameters?.number("rope_theta");
}

/** Reads a list of layers made by `layer`. */
export function layersOf(
  count: number,
  layer: (index: number) => HybridLMConfigInput["layers"][number],
): HybridLMConfigInput["layers"] {
  return Array.from({ length: count }, (_, i) => layer(i));
}
