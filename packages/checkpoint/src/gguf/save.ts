import type { MambaLM, Tokenizer } from "@mamba/core";
import { formats, isQuantized, lastExtent, hostLength, type WeightDType } from "@mamba/kernel";
import type { GgufMetadata, GgufValue } from "../formats/gguf/metadata.ts";
import { type GgufContent, type GgufTensorToWrite, toGgmlType } from "../formats/gguf/write.ts";
import { checkType } from "../parameters/checkType.ts";
import { convertValues, quantizersFor, toStored, viewBytes } from "../parameters/convert.ts";
import { valuesToWrite, type WeightOptions } from "../parameters/weightsToWrite.ts";
import type { ParameterValues } from "../parameters/write.ts";
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

/** Bytes of values that are converted at a time. */
const chunkBytes = 4 * 2 ** 20;

/**
 * The content of a GGUF file that holds a model, for `writeGguf` or `ggufChunks`. Values are read and converted when the chunks of a
 * tensor are asked for, so that one tensor at a time is on the host.
 *
 * @returns the content, and notes for the user about programs that cannot load it
 * @throws CheckpointError `DTYPE` for an unknown `type`, `UNSUPPORTED_MODEL` when GGUF cannot describe the model, `TOKENIZER`, `ADAPTER`; the chunks of a tensor throw
 * `NON_FINITE` for a value that is NaN or infinite, or too large for its type
 */
export function ggufContent(
  model: MambaLM,
  options: GgufOptions = {},
): { readonly content: GgufContent; readonly notes: readonly string[] } {
  const { config } = model;
  checkType("type", options.type, Object.keys(fileTypeIds));
  const valuesOf = valuesToWrite(model, options.adapter);
  const architecture = mambaMetadata(config);
  const hasOutput = !config.tieEmbeddings;
  const tensors = ggufSources(config).map(
    ({ spec, chunks: [{ names, shapes, stores }] }): GgufTensorToWrite => {
      const [name] = names;
      const [shape] = shapes;
      const values = valuesOf(spec);
      const own = spec.storage === "f32" ? "f32" : (values.storedAs ?? values.dtype);
      const to = options.type === undefined ? own : ggufTypeOf(name, shape, options.type, hasOutput);
      const how = { to, columns: lastExtent(shape), stores, name };
      return { name, dtype: toGgmlType(to), shape, chunks: () => convertedChunks(values, how) };
    },
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
function zeroBiases({ nLayers, dInner }: MambaLM["config"]): GgufTensorToWrite[] {
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

interface HowToWrite {
  readonly to: WeightDType;
  readonly columns: number;
  readonly stores: "negExp" | undefined;
  readonly name: string;
}

/** Reads the values of a parameter and yields them in the type of the file, some rows at a time. */
async function* convertedChunks(
  values: ParameterValues,
  { to, columns, stores, name }: HowToWrite,
): AsyncGenerator<Uint8Array, void, undefined> {
  const from = values.dtype;
  const quantizers = await quantizersFor([from, to]);
  const all = await values.read();
  const { BYTES_PER_ELEMENT } = formats[from].hostArray;
  const rowLength = hostLength(from, columns);
  const step = rowLength * Math.max(1, Math.floor(chunkBytes / (rowLength * BYTES_PER_ELEMENT)));
  const how = { from, to, columns, factor: 1, map: toStored(stores), order: undefined, quantizers };
  for (let start = 0; start < all.length; start += step) {
    const rows = all.subarray(start, start + step);
    yield viewBytes(convertValues(rows, how, name, (start / rowLength) * columns));
  }
}
