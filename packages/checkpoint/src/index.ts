import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { LoraAdapter } from "@mamba/core";
import { type ByteSource, type SafetensorsFile, show } from "@mamba/core/safetensors";
import type { Kernel } from "@mamba/kernel";
import { readAdapterBase, readAdapterTemplates, unreachableBase } from "./adapter/base.ts";
import type { AdaptedModel } from "./adapter/modules.ts";
import { type AdapterLoadOptions, readAdapter } from "./adapter/read.ts";
import { convert, type ConvertedCheckpoint, type ConvertOptions } from "./convert.ts";
import { CheckpointError } from "./errors.ts";
import { type GgufFile, openGguf as openGgufSource } from "./formats/gguf/open.ts";
import { isGgufName } from "./gguf/choose.ts";
import { openPickle as openPickleSource } from "./formats/pickle/open.ts";
import { openSafetensors as openSource } from "./formats/safetensors/open.ts";
import type { WeightFile } from "./formats/weights.ts";
import { type CheckpointSummary, inspect, type InspectOptions, load, type LoadedCheckpoint } from "./load.ts";
import { inspectAny, loadAny, type LoadedModel, type ModelSummary } from "./models/loadModel.ts";
import type { LoadOptions } from "./parameters/load.ts";
import { blobFiles, type FileContents } from "./sources/blob.ts";
import { fileSource, folderFiles, ggufFiles, ioError, isMissing } from "./sources/folder.ts";
import { hubFiles, type HubOptions } from "./sources/hub.ts";
import { isHubName, splitFile } from "./sources/hubName.ts";
import type { CheckpointFiles } from "./sources/source.ts";
import { urlFiles } from "./sources/url.ts";
import type { CheckpointTokenizer } from "./tokenizer/parse.ts";
import { findTokenizer } from "./tokenizer/read.ts";

export * from "./common.ts";
export { type FetchOptions, urlFiles } from "./sources/url.ts";
export type { AdaptedModel } from "./adapter/modules.ts";
export { checkAdapter, saveAdapter } from "./adapter/save.ts";
export { writeGguf, writeSafetensors } from "./writeFiles.ts";
export type { ConvertedCheckpoint, ConvertOptions } from "./convert.ts";
export { saveModel } from "./models/saveModel.ts";
export { saveCheckpoint, saveGguf, type SaveOptions } from "./save.ts";
export type { HubOptions } from "./sources/hub.ts";
export { hubCacheFolder } from "./sources/hubCache.ts";
export { downloadModel, type DownloadedModel, type DownloadOptions } from "./sources/hubCacheDownload.ts";
export { type CacheListing, listCachedModels, type ListOptions } from "./sources/hubCacheList.ts";
export type {
  CachedFile,
  CachedModel,
  CachedRevision,
  CachedWeights,
  CacheProblem,
} from "./sources/hubCacheModel.ts";
export { removeCachedModel, type RemovedModel, type RemoveOptions } from "./sources/hubCacheRemove.ts";

/** Options of `loadCheckpoint` in Node. Those of the hub do not apply to folders. */
export interface NodeLoadOptions extends LoadOptions, HubOptions {}

/**
 * Loads a model and its tokenizer. If `source` is an existing folder, its files are read; otherwise `organisation/name` is
 * a model on the hub. Weights go to the kernel in chunks of 2 MiB: the host never holds a second copy of them.
 *
 * @param source folder with config.json and model.safetensors or pytorch_model.bin (or the shards of either), or with a GGUF file; the
 * path of a GGUF file (of the first or any of its shards); the name of a model on the hub, with `:Q4_K_M` or `:file.gguf` for one of its
 * GGUF files; a URL whose files are fetched and not cached, or that of a GGUF file; or files by their names, or those of `blobFiles`
 * @throws CheckpointError with a code for each way in which a checkpoint can be unusable; KernelError `OUT_OF_MEMORY`
 */
export async function loadCheckpoint(
  kernel: Kernel,
  source: string | URL | CheckpointFiles | FileContents | Blob,
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
  source: string | URL | CheckpointFiles | FileContents | Blob,
  options: NodeLoadOptions & InspectOptions = {},
): Promise<CheckpointSummary> {
  const { files, notes } = await findFiles(source, options);
  const summary = await inspect(files, options);
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
  source: string | URL | CheckpointFiles | FileContents | Blob,
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
  source: string | URL | CheckpointFiles | FileContents | Blob,
  options: NodeLoadOptions = {},
): Promise<ModelSummary> {
  const { files, notes } = await findFiles(source, options);
  const summary = await inspectAny(files, options);
  return { ...summary, notes: [...notes, ...summary.notes] };
}

/**
 * Loads a LoRA adapter in PEFT's format for a model; `model.attach` makes the model use it. The caller disposes it.
 *
 * @param source a folder or a URL with adapter_config.json and adapter_model.safetensors, or these files
 * @throws CheckpointError with a code for each way in which an adapter can be unusable, or made for another model;
 * KernelError `OUT_OF_MEMORY`
 */
export async function loadAdapter(
  model: AdaptedModel,
  source: string | URL | CheckpointFiles | FileContents,
  options: AdapterLoadOptions = {},
): Promise<LoraAdapter> {
  return readAdapter(model, await adapterFiles(source, options), options);
}

async function adapterFiles(
  source: string | URL | CheckpointFiles | FileContents,
  options: AdapterLoadOptions,
): Promise<CheckpointFiles> {
  const isPath = typeof source === "string" && urlOf(source) === undefined;
  return isPath ? folderFiles(source) : (await findFiles(source, options)).files;
}

/**
 * The chat templates of an adapter that was trained with one of its own: its chat_template.jinja. Empty where there is none.
 *
 * @throws CheckpointError `JSON` when the file is not UTF-8, `TOO_LARGE`, and the codes of the place
 */
export async function adapterTemplates(
  source: string | URL | CheckpointFiles | FileContents,
  options: Pick<NodeLoadOptions, "signal"> = {},
): Promise<ReadonlyMap<string, string>> {
  return readAdapterTemplates(await adapterFiles(source, options));
}

/**
 * The base model that an adapter names, as a source for `loadCheckpoint`; undefined for a place that holds a model. The adapter in a
 * folder may name a folder, which is looked for from the working directory and then from that folder; any adapter a model on the hub or a URL.
 *
 * @param source a folder, a URL, or files; a GGUF file and the name of a model on the hub are models
 * @throws CheckpointError `CONFIG` when an adapter names no base, `NOT_FOUND` when the base is in none of these places, and
 * the codes of a damaged config
 */
export async function adapterBase(
  source: string | URL | CheckpointFiles | FileContents | Blob,
  options: Pick<NodeLoadOptions, "signal"> = {},
): Promise<string | undefined> {
  const url = urlOf(source);
  const folder = typeof source === "string" && url === undefined ? source : undefined;
  if (source instanceof Blob) return undefined;
  if (folder !== undefined && !(await isFolder(folder))) return undefined;
  const { files } = await findFiles(source, options);
  const base = await readAdapterBase(files);
  if (base === undefined || urlOf(base) !== undefined) return base;
  if (folder !== undefined) {
    for (const path of [base, resolve(folder, base)]) if (await exists(path)) return path;
  }
  if (isHubName(base)) return base;
  const places = "the name of a model on the hub nor a URL";
  throw unreachableBase(files.label, base, folder === undefined ? places : `there, nor ${places}`);
}

async function isFolder(path: string): Promise<boolean> {
  return (await statOf(path))?.isDirectory() ?? false;
}

async function exists(path: string): Promise<boolean> {
  return (await statOf(path)) !== undefined;
}

/** Undefined when there is nothing. */
async function statOf(path: string) {
  return stat(path).catch((cause: unknown) => {
    if (isMissing(cause)) return undefined;
    throw ioError(path, cause);
  });
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

/**
 * Opens a GGUF file by its path, or over any other source of bytes. The header is read in chunks and checked; tensors are read on demand.
 *
 * @throws CheckpointError `NOT_FOUND`, `HEADER`, `GGUF_VERSION`, `TRUNCATED`, `TOO_LARGE`, `DUPLICATE_KEY`, `SHAPE`, `DTYPE`, `OFFSETS`,
 * `IO`
 */
export async function openGguf(source: string | ByteSource): Promise<GgufFile> {
  return openGgufSource(typeof source === "string" ? await fileSource(source) : source);
}

/**
 * Opens a file that `torch.save` wrote, such as `pytorch_model.bin`, by its path, or over any other source of bytes that can go back
 * and knows its size. It must hold a dictionary of tensors by their names. Nothing in it is executed: a reader with a fixed set of
 * opcodes and names reads the pickle, and refuses all others.
 *
 * @throws CheckpointError `NOT_FOUND`, `PICKLE`, `HEADER`, `TRUNCATED`, `TOO_LARGE`, `OFFSETS`, `SHAPE`, `DUPLICATE_KEY`, `IO`
 */
export async function openPickle(source: string | ByteSource): Promise<WeightFile> {
  return openPickleSource(typeof source === "string" ? await fileSource(source) : source);
}

/** Options of `convertCheckpoint` in Node. Those of the hub do not apply to folders. */
export interface NodeConvertOptions extends ConvertOptions, HubOptions {}

/**
 * Writes a checkpoint in another format or with another storage type: a GGUF file when `target` ends in `.gguf`, else a folder with
 * config.json and model.safetensors. No kernel is opened, and at most some rows of a tensor are in memory, so that models that are larger than memory can be
 * converted. Tensors whose type stays pass byte for byte. The tokenizer, the stop ids and the chat template go along. A failure leaves existing files as they
 * were.
 *
 * @param source as that of `loadCheckpoint`
 * @throws CheckpointError `DTYPE` when the target cannot have the type, `UNSUPPORTED_MODEL` when its format cannot describe the model,
 * `TOKENIZER` when it cannot hold the tokenizer, `NON_FINITE` when a weight is NaN or infinite, or too large for its type, `IO` when the
 * disk has too little space, and the codes of `loadCheckpoint`
 */
export async function convertCheckpoint(
  source: string | URL | CheckpointFiles | FileContents | Blob,
  target: string,
  options: NodeConvertOptions = {},
): Promise<ConvertedCheckpoint> {
  const { files, notes } = await findFiles(source, options);
  const converted = await convert(files, target, options, urlOf(source) !== undefined);
  return { ...converted, notes: [...notes, ...converted.notes] };
}

/** The URL of a source; undefined when it is none. */
function urlOf(source: unknown): string | undefined {
  if (source instanceof URL) return source.href;
  return typeof source === "string" && /^https?:\/\//.test(source) ? source : undefined;
}

async function findFiles(
  source: string | URL | CheckpointFiles | FileContents | Blob,
  options: NodeLoadOptions,
): Promise<{ files: CheckpointFiles; notes: string[] }> {
  const url = urlOf(source);
  if (url !== undefined) return urlFiles(url, { ...options, cache: false });
  if (source instanceof Blob) {
    const name = source instanceof File && isGgufName(source.name) ? source.name : "model.gguf";
    return { files: blobFiles(new Map([[name, source]]), name), notes: [] };
  }
  if (source instanceof Map) return { files: blobFiles(source as FileContents), notes: [] };
  if (typeof source !== "string") return { files: source as CheckpointFiles, notes: [] };
  const found = await statOf(source);
  if (found?.isFile() && isGgufName(source)) return { files: ggufFiles(source), notes: [] };
  if (found) return { files: await folderFiles(source), notes: [] };
  const { name, file = options.file } = splitFile(source);
  if (isHubName(name)) return hubFiles(name, { ...options, file });
  const places = "a folder nor a GGUF file, nor the name of a model on the hub (organisation/name)";
  const message = `${show(source)} is neither ${places}`;
  throw new CheckpointError("NOT_FOUND", message);
}
