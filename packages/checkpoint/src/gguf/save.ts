import {
  isHybrid,
  type LayerSpec,
  type LMConfig,
  type MambaLM,
  type MambaLMConfig,
  moduleName,
  paddedVocabSize,
  type Tokenizer,
} from "@mamba/core";
import { isQuantized, type WeightDType } from "@mamba/kernel";
import { CheckpointError } from "../errors.ts";
import type { GgufMetadata, GgufValue } from "../formats/gguf/metadata.ts";
import { type GgufContent, type GgufTensorToWrite, toGgmlType } from "../formats/gguf/write.ts";
import { configOf, mixersOf } from "../architectures/hybrid/modules.ts";
import { checkType } from "../parameters/checkType.ts";
import { valuesToWrite, type WeightOptions } from "../parameters/weightsToWrite.ts";
import { tensorsToWrite, type WriteRules } from "../parameters/write.ts";
import { ggufArchitectureFor } from "./architectures/index.ts";
import { u32 } from "./architectures/values.ts";
import { fileTypeIds, ggufTypeOf, ggufTypes, type GgufFileType } from "./policy.ts";
import { ggufTokenizerMetadata } from "./tokenizer.ts";

/** Options of `saveGguf` and `ggufContent`. */
export interface GgufOptions extends Pick<WeightOptions, "adapter"> {
  /** The type of most matrices; each tensor gets the type that `ggufTypeOf` says. Default: as the kernel stores each matrix. */
  readonly type?: GgufFileType | undefined;
  /** Written into the file when it came from files, or is `byteTokenizer`; other tokenizers cannot be written. */
  readonly tokenizer?: Tokenizer | undefined;
  /** Ids that end a text. Default: those of `tokenizer`. */
  readonly stopIds?: readonly number[] | undefined;
  /** `general.name`: what programs show. Default "mamba". */
  readonly name?: string | undefined;
  /** Positions that the model was trained for: `<architecture>.context_length`. Default: 2^20 without attention, 131072 with it. */
  readonly contextLength?: number | undefined;
  /** Entries that are added to the metadata, or replace those of the same key. */
  readonly metadata?: GgufMetadata | undefined;
}

/**
 * The content of a GGUF file that holds a model, for `writeGguf` or `ggufChunks`. Values are read and converted when the chunks of a
 * tensor are asked for, so that one tensor at a time is on the host.
 *
 * @returns the content, and notes for the user about programs that cannot load it
 * @throws CheckpointError `DTYPE` for an unknown `type`, `UNSUPPORTED_MODEL` when GGUF cannot describe the model, `TOKENIZER`, `ADAPTER` (also when an adapter
 * is merged into quantised weights without a `type`); the chunks of a tensor throw
 * `NON_FINITE` for a value that is NaN or infinite, or too large for its type
 */
export function ggufContent(model: MambaLM, options: GgufOptions = {}): WrittenGguf {
  checkRequantized(model, options);
  return ggufContentOf(model.config, { ...options, valuesOf: valuesToWrite(model, options.adapter) });
}

/** Merging into quantised weights rounds the sums again: only a `type` asks for that. @throws CheckpointError `ADAPTER` */
function checkRequantized({ adapter, linears }: MambaLM, { adapter: mode, type }: GgufOptions): void {
  if (adapter === undefined || mode !== "merge" || type !== undefined) return;
  for (const [name, { weight }] of linears) {
    if (!isQuantized(weight.dtype) || adapter.updateOf(moduleName(name)) === undefined) continue;
    const problem = `${name} is stored as ${weight.dtype}, whose rounding may be larger than the update of the adapter`;
    throw new CheckpointError(
      "ADAPTER",
      `${problem}; pass the type to which its sum with the adapter is rounded`,
    );
  }
}

/** The content of a GGUF file, and notes for the user about programs that cannot load it. */
export interface WrittenGguf {
  readonly content: GgufContent;
  readonly notes: readonly string[];
}

/** `ggufContent` for a model whose values come from any place. */
export function ggufContentOf(
  config: LMConfig,
  options: Omit<GgufOptions, "adapter"> & Omit<WriteRules, "typeOf">,
): WrittenGguf {
  const { type } = options;
  checkType("type", type, Object.keys(fileTypeIds));
  const architecture = ggufArchitectureFor(config);
  const {
    architecture: arch,
    entries,
    own = [],
    notes: sizes = [],
  } = architecture.toMetadata(config, options);
  const sources = architecture.sources(config);
  const hasOutput = sources.some(({ chunks }) =>
    chunks.some(({ names: [name] }) => name === "output.weight"),
  );
  const choose =
    type &&
    ggufTypes(
      sources.flatMap(({ chunks }) => chunks.map(({ names: [name] }) => name)),
      type,
    );
  const typeOf: WriteRules["typeOf"] = ({ name, shape }, spec) => {
    if (choose) return choose(name, shape);
    const { dtype, storedAs = dtype } = options.valuesOf(spec);
    return spec.storage === "f32" ? "f32" : storedAs;
  };
  const tensors = tensorsToWrite(sources, { ...options, typeOf }).map((tensor): GgufTensorToWrite => ({
    ...tensor,
    dtype: toGgmlType(tensor.dtype),
  }));
  const { tokenizer, stopIds = tokenizer?.stopIds ?? [] } = options;
  const written = ggufTokenizerMetadata(config, tokenizer, stopIds);
  const notes = [...written.notes];
  const biases = zeroBiases(config);
  if (biases.length > 0) {
    tensors.push(...biases);
    notes.push(
      "the model has no bias of the convolution, which GGUF files of Mamba need: it was written as zeros",
    );
  }
  notes.push(...sizes);
  if (hasOutput && config.tieEmbeddings)
    notes.push(
      "the factors of the embedding and of the logits are in the weights of the file, which therefore has the table twice",
    );
  const isQuantizedFile = tensors.some(({ dtype }) => isQuantized(dtype.toLowerCase() as WeightDType));
  const text = (value: string): GgufValue => ({ type: "string", value });
  const metadata = new Map<string, GgufValue>([
    ["general.architecture", text(arch)],
    ["general.type", text("model")],
    ["general.name", text(options.name ?? "mamba")],
    ["general.file_type", u32(fileTypeIds[options.type ?? mostCommon(tensors)])],
    ...(isQuantizedFile ? [["general.quantization_version", u32(2)] as const] : []),
    ...[...entries].map(([key, value]) => [`${arch}.${key}`, value] as const),
    [`${arch}.vocab_size`, u32(paddedVocabSize(config))],
    ...own,
    ...written.metadata,
    ...(options.metadata ?? []),
  ]);
  return { content: { metadata, tensors }, notes };
}

/** llama.cpp requires the bias of the convolution. */
function zeroBiases(config: LMConfig): GgufTensorToWrite[] {
  const widths = isHybrid(config)
    ? config.layers.map(unbiasedWidth)
    : Array.from({ length: config.nLayers }, () => mambaWidth(config));
  return widths.flatMap((width, i) => {
    if (width === undefined) return [];
    const chunks = () => [new Uint8Array(4 * width)];
    return [{ name: `blk.${i}.ssm_conv1d.bias`, dtype: "F32", shape: [width], chunks }];
  });
}

/** Channels of the convolution of a layer, if it has no bias. */
function unbiasedWidth(layer: LayerSpec): number | undefined {
  for (const mixer of mixersOf(layer)) {
    const recurrent = configOf(mixer, "mamba2");
    if (recurrent && !recurrent.convBias) return recurrent.dInner + 2 * recurrent.groups * recurrent.dState;
    const block = configOf(mixer, "mamba");
    if (block) return mambaWidth(block);
  }
  return undefined;
}

function mambaWidth({ convBias, dInner }: Pick<MambaLMConfig, "convBias" | "dInner">): number | undefined {
  return convBias ? undefined : dInner;
}

/** The type of most values of the matrices: that of the file. */
function mostCommon(tensors: readonly GgufTensorToWrite[]): GgufFileType {
  const counts = new Map<GgufFileType, number>();
  for (const { name, dtype, shape } of tensors) {
    if (ggufTypeOf(name, shape, "f16") === "f32") continue;
    const type = dtype.toLowerCase() as GgufFileType;
    counts.set(type, (counts.get(type) ?? 0) + shape.reduce((product, extent) => product * extent, 1));
  }
  const [first] = [...counts].sort(([, a], [, b]) => b - a);
  return first?.[0] ?? "f32";
}
