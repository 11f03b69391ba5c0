import type { LoraAdapter } from "@mamba/core";
import type { Kernel } from "@mamba/kernel";
import { readAdapterBase, readAdapterTemplates, unreachableBase } from "./adapter/base.ts";
import type { AdaptedModel } from "./adapter/modules.ts";
import { type AdapterLoadOptions, readAdapter } from "./adapter/read.ts";
import { type CheckpointSummary, inspect, type InspectOptions, load, type LoadedCheckpoint } from "./load.ts";
import { inspectAny, loadAny, type LoadedModel, type ModelSummary } from "./models/loadModel.ts";
import { isGgufName } from "./gguf/choose.ts";
import type { LoadOptions } from "./parameters/load.ts";
import { blobFiles, type FileContents } from "./sources/blob.ts";
import { isHubName } from "./sources/hubName.ts";
import type { CheckpointFiles } from "./sources/source.ts";
import { type FetchOptions, urlFiles } from "./sources/url.ts";

export * from "./common.ts";
export { openGguf } from "./formats/gguf/open.ts";
export { openPickle } from "./formats/pickle/open.ts";
export { openSafetensors } from "./formats/safetensors/open.ts";
export { type FetchedFile, fetchFile, type FetchFileOptions } from "./sources/fetchFile.ts";
export { clearCheckpointCache, type FetchOptions, urlFiles, urlPlace, type UrlPlace } from "./sources/url.ts";

/** Options of `loadCheckpoint` in a browser. */
export interface BrowserLoadOptions extends LoadOptions, FetchOptions {}

/** Options of `inspectCheckpoint` in a browser. */
export interface BrowserInspectOptions extends InspectOptions, FetchOptions {}

/** A place of a model in a browser: a URL, files, or one GGUF file that a user chose or that is in memory. */
export type BrowserSource = string | URL | CheckpointFiles | FileContents | Blob;

/**
 * Loads a model and its tokenizer from the files below a URL, such as
 * `https://huggingface.co/state-spaces/mamba-130m-hf/resolve/main/`. Files are stored in Cache Storage and streamed from
 * there in chunks of 2 MiB: memory holds the weights once, on the kernel. Other files, such as those of `blobFiles`, are
 * read directly.
 *
 * @param source a URL, absolute or relative to the page, of a folder or of a GGUF file; files; or a GGUF file as a `Blob` or `File`
 * @throws CheckpointError with a code for each way in which a checkpoint can be unusable; KernelError `OUT_OF_MEMORY`
 */
export async function loadCheckpoint(
  kernel: Kernel,
  source: BrowserSource,
  options: BrowserLoadOptions = {},
): Promise<LoadedCheckpoint> {
  const { files, notes } = await findFiles(source, options);
  const loaded = await load(kernel, files, options);
  return { ...loaded, notes: [...notes, ...loaded.notes] };
}

/**
 * Describes a checkpoint without loading its weights.
 *
 * @throws CheckpointError with the codes of `loadCheckpoint`
 */
export async function inspectCheckpoint(
  source: BrowserSource,
  options: BrowserInspectOptions = {},
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
  source: BrowserSource,
  options: BrowserLoadOptions = {},
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
  source: BrowserSource,
  options: Pick<LoadOptions, "file"> & FetchOptions = {},
): Promise<ModelSummary> {
  const { files, notes } = await findFiles(source, options);
  const summary = await inspectAny(files, options);
  return { ...summary, notes: [...notes, ...summary.notes] };
}

/**
 * Loads a LoRA adapter in PEFT's format for a model; `model.attach` makes the model use it. The caller disposes it.
 *
 * @param source a URL, absolute or relative to the page, or files: adapter_config.json and adapter_model.safetensors
 * @throws CheckpointError with a code for each way in which an adapter can be unusable, or made for another model;
 * KernelError `OUT_OF_MEMORY`
 */
export async function loadAdapter(
  model: AdaptedModel,
  source: string | URL | CheckpointFiles | FileContents,
  options: FetchOptions & AdapterLoadOptions = {},
): Promise<LoraAdapter> {
  const { files } = await findFiles(source, options);
  return readAdapter(model, files, options);
}

/**
 * The chat templates of an adapter that was trained with one of its own: its chat_template.jinja. Empty where there is none.
 *
 * @throws CheckpointError `JSON` when the file is not UTF-8, `TOO_LARGE`, and the codes of the place
 */
export async function adapterTemplates(
  source: string | URL | CheckpointFiles | FileContents,
  options: FetchOptions = {},
): Promise<ReadonlyMap<string, string>> {
  return readAdapterTemplates((await findFiles(source, options)).files);
}

/**
 * The base model that an adapter names, as a source for `loadCheckpoint`; undefined for a place that holds a model. The base is a model on
 * the hub of Hugging Face, a URL, or, for an adapter at a URL, a path from there.
 *
 * @throws CheckpointError `CONFIG` when an adapter names no base, `NOT_FOUND` when the base is in none of these places, and
 * the codes of a damaged config
 */
export async function adapterBase(
  source: BrowserSource,
  options: FetchOptions = {},
): Promise<string | undefined> {
  if (source instanceof Blob) return undefined;
  const { files } = await findFiles(source, options);
  const base = await readAdapterBase(files);
  if (base === undefined || /^https?:\/\//.test(base)) return base;
  if (/^\.{0,2}\//.test(base) && URL.canParse(base, files.label)) return new URL(base, files.label).href;
  if (isHubName(base)) return `https://huggingface.co/${base}/resolve/main/`;
  throw unreachableBase(files.label, base, "a URL nor the name of a model on the hub");
}

async function findFiles(
  source: BrowserSource,
  options: FetchOptions,
): Promise<{ files: CheckpointFiles; notes: string[] }> {
  if (typeof source === "string" || source instanceof URL) return urlFiles(String(source), options);
  if (source instanceof Blob) return { files: oneFile(source), notes: [] };
  const files = source instanceof Map ? blobFiles(source as FileContents) : (source as CheckpointFiles);
  return { files, notes: [] };
}

/** A place with one GGUF file. */
function oneFile(blob: Blob): CheckpointFiles {
  const { name = "model.gguf" } = blob as Partial<File>;
  return blobFiles(new Map([[isGgufName(name) ? name : `${name}.gguf`, blob]]), name);
}
