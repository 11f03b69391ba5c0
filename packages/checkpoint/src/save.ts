import { join } from "node:path";
import type { MambaLM, LMConfig, Tokenizer } from "@mamba/core";
import { type ChunkedTensorToWrite, safetensorsFile } from "@mamba/core/safetensors";
import { architectureFor, type ConfigFormat } from "./architectures/index.ts";
import { weightsFile } from "./formats/weightFiles.ts";
import { ggufContent, type GgufOptions } from "./gguf/save.ts";
import { type Content, writeFiles, writeGguf } from "./writeFiles.ts";
import {
  type SafetensorsRules,
  safetensorsToWrite,
  valuesToWrite,
  type WeightOptions,
} from "./parameters/weightsToWrite.ts";
import type { CheckpointTokenizer } from "./tokenizer/parse.ts";
import { generationFile } from "./tokenizer/read.ts";

/** Options of `saveCheckpoint`. */
export interface SaveOptions extends WeightOptions {
  /** Written beside the weights when it came from files; config.json says when it is `byteTokenizer`. */
  readonly tokenizer?: Tokenizer | undefined;
  /** Ids that end a text, for config.json. Default: those of `tokenizer`. */
  readonly stopIds?: readonly number[] | undefined;
  /** Form of config.json and names of the tensors. Default: the one that `transformers` reads, where it has the model. */
  readonly format?: ConfigFormat | undefined;
  /** Positions that the model was trained for, for config.json. */
  readonly contextLength?: number | undefined;
}

/**
 * Writes a model into `folder`: config.json, model.safetensors and, where `tokenizer` came from files, those files. A
 * failure leaves existing files as they were, and one tensor at a time is in memory.
 *
 * @throws CheckpointError `IO`, `UNSUPPORTED_MODEL` when `format` cannot describe the model, `ADAPTER` when an adapter is
 * attached and the option `adapter` is not given, `NON_FINITE` when a weight is NaN or infinite, or too large for `dtype`;
 * MambaError `PARAMETER` when the adapter cannot be merged; KernelError when reading the
 * weights fails
 */
export async function saveCheckpoint(
  model: MambaLM,
  folder: string,
  { tokenizer, stopIds = tokenizer?.stopIds ?? [], dtype, format, adapter, contextLength }: SaveOptions = {},
): Promise<void> {
  const valuesOf = valuesToWrite(model, adapter);
  const content = { dtype, valuesOf, tokenizer, stopIds, format, contextLength };
  await writeFiles(folderContent(folder, model.config, content).contents);
}

/** The weights of a model, and what is written beside them. */
export interface FolderContent
  extends SafetensorsRules, Pick<SaveOptions, "tokenizer" | "format" | "contextLength"> {
  readonly stopIds: readonly number[];
}

/**
 * The files of a folder that holds a model, by their paths: the weights, the tokenizer, and config.json last; and the tensors of the
 * weights.
 *
 * @throws CheckpointError `UNSUPPORTED_MODEL` when `format` cannot describe the model, `DTYPE`
 */
export function folderContent(
  folder: string,
  config: LMConfig,
  { tokenizer, stopIds, format, contextLength, ...weights }: FolderContent,
): { readonly contents: Map<string, Content>; readonly tensors: readonly ChunkedTensorToWrite[] } {
  const architecture = architectureFor(config, format);
  const { tensors, matrixType } = safetensorsToWrite(architecture.sources(config), weights);
  const { files: tokenizerFiles = new Map<string, Uint8Array>(), kind } = (tokenizer ??
    {}) as Partial<CheckpointTokenizer>;
  // It would name other ids that end a text.
  const isKept = (name: string) => name !== generationFile || stopIds.join() === tokenizer?.stopIds.join();
  const stored = { dtype: matrixType, stopIds, readsBytes: kind === "bytes", contextLength };
  const json = `${JSON.stringify(architecture.toConfig(config, stored), null, 2)}\n`;
  const contents = new Map<string, Content>([
    [join(folder, weightsFile), safetensorsFile(tensors, { format: "pt" })],
    ...[...tokenizerFiles]
      .filter(([name]) => isKept(name))
      .map(([name, bytes]) => [join(folder, name), bytes] as const),
    [join(folder, "config.json"), new TextEncoder().encode(json)],
  ]);
  return { contents, tensors };
}

/**
 * Writes a model as a GGUF file that llama.cpp and `loadCheckpoint` load. A failure leaves an existing file as it was, and one tensor
 * at a time is in memory.
 *
 * @returns notes for the user, such as that llama.cpp cannot load a model of these sizes. Usually empty
 * @throws CheckpointError `IO`, `DTYPE` for an unknown `type`, `UNSUPPORTED_MODEL` when GGUF cannot describe the model, `TOKENIZER` when it cannot hold the tokenizer,
 * `ADAPTER` when an adapter is attached and the option `adapter` is not given, `NON_FINITE` when a weight is NaN or infinite, or too
 * large for its type; MambaError `PARAMETER` when the adapter cannot be merged; KernelError when reading the weights fails
 */
export async function saveGguf(
  model: MambaLM,
  path: string,
  options: GgufOptions = {},
): Promise<{ readonly notes: readonly string[] }> {
  const { content, notes } = ggufContent(model, options);
  await writeGguf(path, content);
  return { notes };
}
