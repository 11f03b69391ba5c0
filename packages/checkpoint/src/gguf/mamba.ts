import {
  MambaError,
  type MambaLMConfig,
  paddedVocabSize,
  type ParameterSpec,
  parameterSpecs,
  resolveLMConfig,
} from "@mamba/core";
import { show } from "@mamba/core/safetensors";
import type { TensorShapes } from "../architectures/architecture.ts";
import type { ParameterSource } from "../architectures/parameterSource.ts";
import { CheckpointError } from "../errors.ts";
import type { GgufMetadata, GgufValue } from "../formats/gguf/metadata.ts";
import { GgufFields } from "./fields.ts";

// The architecture `mamba` of llama.cpp: Mamba-1, and falcon_mamba by the key ssm.dt_b_c_rms.

/** Keys of this package, for what GGUF has no key. Other programs ignore them. */
export const ownKeys = {
  /** Ids of the vocabulary, when the table has more rows and no list of tokens says so. */
  vocabSize: "mamba_ts.vocab_size",
  /** Epsilon of the norms on delta, B and C, when it is not that of the other norms. */
  innerNormEps: "mamba_ts.inner_norm_eps",
  /** The ids are the bytes of the text. */
  byteTokenizer: "mamba_ts.byte_tokenizer",
} as const;

/** Names of the parameters of a layer in a file, by core's. */
const layerNames: Readonly<Record<string, string>> = {
  "norm.weight": "attn_norm.weight",
  "mixer.in_proj.weight": "ssm_in.weight",
  "mixer.conv1d.weight": "ssm_conv1d.weight",
  "mixer.conv1d.bias": "ssm_conv1d.bias",
  "mixer.x_proj.weight": "ssm_x.weight",
  "mixer.dt_proj.weight": "ssm_dt.weight",
  "mixer.dt_proj.bias": "ssm_dt.bias",
  "mixer.A_log": "ssm_a",
  "mixer.D": "ssm_d",
  "mixer.out_proj.weight": "ssm_out.weight",
};

const modelNames: Readonly<Record<string, string>> = {
  "backbone.embeddings.weight": "token_embd.weight",
  "backbone.norm_f.weight": "output_norm.weight",
  "lm_head.weight": "output.weight",
};

/** The name of a parameter in a GGUF file; undefined when the architecture has none. */
export function ggufName(parameter: string): string | undefined {
  const [, layer, rest = ""] = /^backbone\.layers\.(\d+)\.(.*)$/.exec(parameter) ?? [];
  if (layer === undefined) return modelNames[parameter];
  const name = layerNames[rest];
  return name && `blk.${layer}.${name}`;
}

/**
 * Sources of the parameters of a model: the tensors of a GGUF file. `ssm_a` holds -exp(A_log).
 *
 * @throws CheckpointError `UNSUPPORTED_MODEL` when a parameter has no tensor
 */
export function ggufSources(config: MambaLMConfig): ParameterSource[] {
  return parameterSpecs(config).map((spec): ParameterSource => {
    const name = ggufName(spec.name);
    if (name === undefined)
      throw new CheckpointError("UNSUPPORTED_MODEL", `GGUF has no tensor for the parameter ${spec.name}`);
    return {
      spec,
      chunks: [
        { names: [name], shapes: shapesOf(spec), ...(spec.name.endsWith(".A_log") && { stores: "negExp" }) },
      ],
    };
  });
}

function shapesOf({ name, shape }: ParameterSpec): ParameterSource["chunks"][0]["shapes"] {
  if (!name.endsWith(".conv1d.weight")) return [shape];
  const [channels = 0, width = 0] = shape;
  return [shape, [channels, 1, width]];
}

/** Mamba models whose architecture llama.cpp has and this package does not load from GGUF, and what they are. */
const others: Readonly<Record<string, string>> = {
  mamba2: "Mamba-2, with a scalar A per head",
  jamba: "a hybrid of Mamba and attention",
  "falcon-h1": "a hybrid of Mamba-2 and attention",
  granitehybrid: "a hybrid of Mamba-2 and attention",
  nemotron_h: "a hybrid of Mamba-2 and attention",
  nemotron_h_moe: "a hybrid of Mamba-2 and attention",
  plamo2: "a hybrid of Mamba and attention",
};

/**
 * The config of a model by the metadata of its GGUF file, in agreement with the tensors.
 *
 * @param file for messages, which begin with it
 * @throws CheckpointError `CONFIG`, `UNSUPPORTED_MODEL`, `MISSING_TENSOR`
 */
export function configFromGguf(metadata: GgufMetadata, tensors: TensorShapes, file: string): MambaLMConfig {
  const fields = new GgufFields(metadata, file);
  const architecture = fields.string("general.architecture") ?? fields.missing("general.architecture");
  if (architecture !== "mamba") {
    const kind = Object.hasOwn(others, architecture) ? ` (${others[architecture]})` : "";
    const message = `${file}: the architecture ${show(architecture)}${kind} cannot be loaded`;
    throw new CheckpointError("UNSUPPORTED_MODEL", `${message}; expected mamba, also for falcon_mamba`);
  }
  const count = (key: string) => fields.count(`mamba.${key}`) ?? fields.missing(`mamba.${key}`);
  const eps =
    fields.number("mamba.attention.layer_norm_rms_epsilon") ??
    fields.missing("mamba.attention.layer_norm_rms_epsilon");
  const groups = fields.count("mamba.ssm.group_count") ?? 0;
  if (groups > 1)
    throw new CheckpointError(
      "CONFIG",
      `${file}: mamba.ssm.group_count must be 0 or 1 for Mamba-1, got ${groups}`,
    );
  const dModel = count("embedding_length");
  const dInner = count("ssm.inner_size");
  const hasNorms = fields.boolean("mamba.ssm.dt_b_c_rms") ?? false;
  try {
    return resolveLMConfig({
      ...vocabulary(fields, tensors, file),
      dModel,
      nLayers: count("block_count"),
      dInner,
      expand: dInner / dModel,
      dState: count("ssm.state_size"),
      dConv: count("ssm.conv_kernel"),
      dtRank: count("ssm.time_step_rank"),
      rmsNormEps: eps,
      bias: false,
      convBias: tensors.has("blk.0.ssm_conv1d.bias"),
      tieEmbeddings: !tensors.has("output.weight"),
      ...(hasNorms && { innerNorms: "unweighted", innerNormEps: fields.number(ownKeys.innerNormEps) ?? eps }),
    });
  } catch (cause) {
    if (!MambaError.is(cause)) throw cause;
    throw new CheckpointError("CONFIG", `${file}: ${cause.message}`, { cause });
  }
}

/**
 * Number of tokens in the metadata, without the tokens `[PAD50277]`, … that converters add to fill the list up to the rows of the table;
 * undefined when there are no others.
 */
export function countTokens(fields: GgufFields): number | undefined {
  const tokens = fields.strings("tokenizer.ggml.tokens") ?? [];
  let count = tokens.length;
  while (count > 0 && tokens[count - 1] === `[PAD${count - 1}]`) count--;
  return count === 0 ? undefined : count;
}

/**
 * Size and padding of the vocabulary: the rows of the table, without the tokens `[PAD50277]`, … that converters add to fill it up, so
 * that those ids are never chosen.
 */
function vocabulary(
  fields: GgufFields,
  tensors: TensorShapes,
  file: string,
): Pick<MambaLMConfig, "vocabSize" | "padVocabSizeMultiple"> {
  const table = tensors.get("token_embd.weight");
  if (!table) throw new CheckpointError("MISSING_TENSOR", `${file}: the tensor token_embd.weight is missing`);
  const [rows = 0] = table.shape;
  const stated = fields.count("mamba.vocab_size") ?? rows;
  if (stated !== rows)
    throw new CheckpointError(
      "CONFIG",
      `${file}: mamba.vocab_size is ${stated}, token_embd.weight has ${rows} rows`,
    );
  const tokens = fields.strings("tokenizer.ggml.tokens");
  if (tokens !== undefined && tokens.length > rows) {
    const message = `${file}: tokenizer.ggml.tokens has ${tokens.length} tokens, token_embd.weight has ${rows} rows`;
    throw new CheckpointError("CONFIG", message);
  }
  const vocabSize = fields.count(ownKeys.vocabSize) ?? countTokens(fields) ?? rows;
  if (vocabSize < 1 || vocabSize > rows)
    throw new CheckpointError(
      "CONFIG",
      `${file}: ${ownKeys.vocabSize} is ${vocabSize}, token_embd.weight has ${rows} rows`,
    );
  const multiples = [1, 8, 16, 32, 64, 128, 256];
  const multiple = multiples.find((step) => Math.ceil(vocabSize / step) * step === rows);
  return { vocabSize, padVocabSizeMultiple: multiple ?? rows };
}

/** The reason why GGUF cannot describe a model; undefined when it can. */
function ggufObstacle({ innerNorms, mupBaseWidth, selective, bias }: MambaLMConfig): string | undefined {
  if (innerNorms === "weighted") return "innerNorms weighted";
  if (mupBaseWidth !== undefined) return "mupBaseWidth";
  if (bias) return "bias true (in_proj and out_proj)";
  return selective ? undefined : "selective false";
}

/**
 * The metadata of a model that llama.cpp needs, but for `general` and the tokenizer.
 *
 * @throws CheckpointError `UNSUPPORTED_MODEL`
 */
export function mambaMetadata(config: MambaLMConfig): Map<string, GgufValue> {
  const obstacle = ggufObstacle(config);
  if (obstacle !== undefined)
    throw new CheckpointError("UNSUPPORTED_MODEL", `GGUF cannot describe a model with ${obstacle}`);
  const u32 = (value: number): GgufValue => ({ type: "u32", value });
  const { dModel, nLayers, dConv, dInner, dState, dtRank, rmsNormEps, innerNorms, innerNormEps } = config;
  const isFalcon = innerNorms === "unweighted";
  return new Map<string, GgufValue>([
    ["mamba.context_length", u32(2 ** 20)], // no limit; llama.cpp requires a number
    ["mamba.embedding_length", u32(dModel)],
    ["mamba.feed_forward_length", u32(0)],
    ["mamba.attention.head_count", u32(0)],
    ["mamba.block_count", u32(nLayers)],
    ["mamba.ssm.conv_kernel", u32(dConv)],
    ["mamba.ssm.inner_size", u32(dInner)],
    ["mamba.ssm.state_size", u32(dState)],
    ["mamba.ssm.time_step_rank", u32(dtRank)],
    ["mamba.attention.layer_norm_rms_epsilon", { type: "f32", value: rmsNormEps }],
    ["mamba.ssm.dt_b_c_rms", { type: "bool", value: isFalcon }],
    ["mamba.vocab_size", u32(paddedVocabSize(config))],
    ...(isFalcon && innerNormEps !== rmsNormEps
      ? [[ownKeys.innerNormEps, { type: "f32", value: innerNormEps }] as const]
      : []),
  ]);
}
