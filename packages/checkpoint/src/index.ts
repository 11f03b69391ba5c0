import { stat } from "node:fs/promises";
import type { LoraAdapter, MambaLM } from "@mamba/core";
import { type ByteSource, type SafetensorsFile, show } from "@mamba/core/safetensors";
import type { Kernel } from "@mamba/kernel";
import { type AdapterLoadOptions, readAdapter } from "./adapter/read.ts";
import { CheckpointError } from "./errors.ts";
import { openSafetensors as openSource } from "./formats/safetensors/open.ts";
import { type CheckpointSummary, inspect, load, type LoadedCheckpoint } from "./load.ts";
import { inspectAny, loadAny, type LoadedModel, type ModelSummary } from "./models/loadModel.ts";
import type { LoadOptions } from "./parameters/load.ts";
import { blobFiles, type FileContents } from "./sources/blob.ts";
import { fileSource, folderFiles, ioError, isMissing } from "./sources/folder.ts";
import { hubFiles, type HubOptions, isHubName } from "./sources/hub.ts";
import type { CheckpointFiles } from "./sources/source.ts";
import { urlFiles } from "./sources/url.ts";
import type { CheckpointTokenizer } from "./tokenizer/parse.ts";
import { findTokenizer } from "./tokenizer/read.ts";

export * from "./common.ts";
export { type FetchOptions, urlFiles } from "./sources/url.ts";
export { saveAdapter } from "./adapter/save.ts";
export { writeSafetensors } from "./writeFiles.ts";
export { saveModel } from "./models/saveModel.ts";
export { saveCheckpoint, type SaveOptions } from "./save.ts";
export type { HubOptions } from "./sources/hub.ts";

/** Options of `loadCheckpoint` in Node. Those of the hub do not apply to folders. */
export interface NodeLoadOptions extends LoadOptions, HubOptions {}

/**
 * Loads a model and its tokenizer. If `source` is an existing folder, its files are read; otherwise `organisation/name` is
 * a model on the hub. Weights go to the kernel in chunks of 2 MiB: the host never holds a second copy of them.
 *
 * @param source folder with config.json and model.safetensors (or its shards), or the name of a model on the hub; a URL whose
 * files are fetched and not cached; or files, such as those of `blobFiles`
 * @throws CheckpointError with a code for each way in which a checkpoint can be unusable; KernelError `OUT_OF_MEMORY`
 */
export async function loadCheckpoint(
  kernel: Kernel,
  source: string | URL | CheckpointFiles,
  options: NodeLoadOptions = {},
): Promise<LoadedCheckpoint> {
  const { files, notes } = await findFiles(source, options);
  const loaded = await load(kernel, files, options);
  return { ...loaded, notes: [...notes, ...loaded.notes] };
}

/**
 * Describes a checkpoint without loading its weights. A model on the hub is downloaded into the cache.
 *
 * @throws CheckpointError with the codes of `loadCheckpoint`
 */
export async function inspectCheckpoint(
  source: string | URL | CheckpointFiles,
  options: NodeLoadOptions = {},
): Promise<CheckpointSummary> {
  const { files, notes } = await findFiles(source, options);
  const summary = await inspect(files);
  return { ...summary, notes: [...notes, ...summary.notes] };
}

/**
 * Loads a model of any kind: a `SequenceModel` or a `VisionMamba` that `saveModel` wrote, with the data that says how its inputs are
 * prepared, or a language model as `loadCheckpoint` loads it. The field `kind` tells which.
 *
 * @param source as that of `loadCheckpoint`, or the files by their names, such as those of `modelFiles`
 * @throws CheckpointError with a code for each way in which a checkpoint can be unusable; KernelError `OUT_OF_MEMORY`
 */
export async function loadModel(
  kernel: Kernel,
  source: string | URL | CheckpointFiles | FileContents,
  options: NodeLoadOptions = {},
): Promise<LoadedModel> {
  const { files, notes } = await findFiles(source, options);
  const loaded = await loadAny(kernel, files, options);
  return { ...loaded, notes: [...notes, ...loaded.notes] };
}

/**
 * Describes a model of any kind without loading its weights.
 *
 * @throws CheckpointError with the codes of `loadModel`
 */
export async function inspectModel(
  source: string | URL | CheckpointFiles | FileContents,
  options: NodeLoadOptions = {},
): Promise<ModelSummary> {
  const { files, notes } = await findFiles(source, options);
  const summary = await inspectAny(files);
  return { ...summary, notes: [...notes, ...summary.notes] };
}

/**
 * Loads a LoRA adapter in PEFT's format for a model; `model.attach` makes the model use it. The caller disposes it.
 *
 * @param folder with adapter_config.json and adapter_model.safetensors
 * @throws CheckpointError with a code for each way in which an adapter can be unusable, or made for another model;
 * KernelError `OUT_OF_MEMORY`
 */
export async function loadAdapter(
  model: Pick<MambaLM, "kernel" | "linears">,
  folder: string | CheckpointFiles,
  options: AdapterLoadOptions = {},
): Promise<LoraAdapter> {
  return readAdapter(model, typeof folder === "string" ? await folderFiles(folder) : folder, options);
}

/**
 * The tokenizer in a folder: tokenizer.json, or vocab.json with merges.txt.
 *
 * @returns undefined when the folder has neither
 * @throws CheckpointError `NOT_FOUND`, `TOKENIZER`, `JSON`, `DUPLICATE_KEY`, `TOO_LARGE`, `IO`
 */
export async function loadTokenizer(folder: string): Promise<CheckpointTokenizer | undefined> {
  return findTokenizer(await folderFiles(folder));
}

/**
 * Opens a safetensors file by its path, or over any other source of bytes. Nothing is allocated before the header's
 * length was compared with the size of the file and a cap of 16 MiB; tensors are read on demand.
 *
 * @throws CheckpointError `NOT_FOUND`, `TRUNCATED`, `TOO_LARGE`, `PICKLE`, `HEADER`, `JSON`, `DUPLICATE_KEY`, `DTYPE`,
 * `SHAPE`, `OFFSETS`, `IO`
 */
export async function openSafetensors(source: string | ByteSource): Promise<SafetensorsFile> {
  return openSource(typeof source === "string" ? await fileSource(source) : source);
}

async function findFiles(
  source: string | URL | CheckpointFiles | FileContents,
  options: NodeLoadOptions,
): Promise<{ files: CheckpointFiles; notes: string[] }> {
  if (source instanceof URL) return urlFiles(source.href, { ...options, cache: false });
  if (source instanceof Map) return { files: blobFiles(source as FileContents), notes: [] };
  if (typeof source !== "string") return { files: source as CheckpointFiles, notes: [] };
  const exists = await stat(source).then(
    () => true,
    (cause: unknown) => {
      if (isMissing(cause)) return false;
      throw ioError(source, cause);
    },
  );
  if (exists) return { files: await folderFiles(source), notes: [] };
  if (isHubName(source)) return hubFiles(source, options);
  const message = `${show(source)} is neither a folder nor the name of a model on the hub (organisation/name)`;
  throw new CheckpointError("NOT_FOUND", message);
}
