import { type MambaLM, type LMConfig, moduleName, type Tokenizer } from "@mamba/core";
import { isQuantized, type WeightDType } from "@mamba/kernel";
import { CheckpointError } from "../errors.ts";
import type { GgufMetadata, GgufValue } from "../formats/gguf/metadata.ts";
import { type GgufContent, type GgufTensorToWrite, toGgmlType } from "../formats/gguf/write.ts";
import { checkType } from "../parameters/checkType.ts";
import { valuesToWrite, type WeightOptions } from "../parameters/weightsToWrite.ts";
import { tensorsToWrite, type WriteRules } from "../parameters/write.ts";
import { ggufName, ggufSources, mambaMetadata } from "./mamba.ts";
import { fileTypeIds, ggufTypeOf, type GgufFileType } from "./policy.ts";
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
  const architecture = mambaMetadata(config);
  const hasOutput = !config.tieEmbeddings;
  const typeOf: WriteRules["typeOf"] = ({ name, shape }, spec) => {
    if (type !== undefined) return ggufTypeOf(name, shape, type, hasOutput);
    const { dtype, storedAs = dtype } = options.valuesOf(spec);
    return spec.storage === "f32" ? "f32" : storedAs;
  };
  const tensors = tensorsToWrite(ggufSources(config), { ...options, typeOf }).map(
    (tensor): GgufTensorToWrite => ({ ...tensor, dtype: toGgmlType(tensor.dtype) }),
  );
  const { tokenizer, stopIds = tokenizer?.stopIds ?? [] } = options;
  const written = ggufTokenizerMetadata(config, tokenizer, stopIds);
  const notes = [...written.notes];
  if (!config.convBias) {
    tensors.push(...zeroBiases(config));
    notes.push(
      "the model has no bias of the convolution, which GGUF files of Mamba need: it was written as zeros",
    );
  }
  if (config.dInner !== 2 * config.dModel) {
    const sizes = `inner size ${config.dInner} and width ${config.dModel}`;
    notes.push(
      `llama.cpp loads Mamba models only with an inner size of twice the width, this one has ${sizes}`,
    );
  }
  const isQuantizedFile = tensors.some(({ dtype }) => isQuantized(dtype.toLowerCase() as WeightDType));
  const u32 = (value: number): GgufValue => ({ type: "u32", value });
  const text = (value: string): GgufValue => ({ type: "string", value });
  const metadata = new Map<string, GgufValue>([
    ["general.architecture", text("mamba")],
    ["general.type", text("model")],
    ["general.name", text(options.name ?? "mamba")],
    ["general.file_type", u32(fileTypeIds[options.type ?? mostCommon(tensors)])],
    ...(isQuantizedFile ? [["general.quantization_version", u32(2)] as const] : []),
    ...architecture,
    ...written.metadata,
    ...(options.metadata ?? []),
  ]);
  return { content: { metadata, tensors }, notes };
}

/** llama.cpp requires the bias of the convolution. */
function zeroBiases({ nLayers, dInner }: LMConfig): GgufTensorToWrite[] {
  return Array.from({ length: nLayers }, (_, layer) => ({
    name: ggufName(`backbone.layers.${layer}.mixer.conv1d.bias`) ?? "",
    dtype: "F32",
    shape: [dInner],
    chunks: () => [new Uint8Array(4 * dInner)],
  }));
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
