import type { LoraAdapter, MambaLM } from "@mamba/core";
import type { Kernel } from "@mamba/kernel";
import { readAdapter } from "./adapter/read.ts";
import { type CheckpointSummary, inspect, load, type LoadedCheckpoint } from "./load.ts";
import { inspectAny, loadAny, type LoadedModel, type ModelSummary } from "./models/loadModel.ts";
import type { LoadOptions } from "./parameters/load.ts";
import { blobFiles, type FileContents } from "./sources/blob.ts";
import type { CheckpointFiles } from "./sources/source.ts";
import { type FetchOptions, urlFiles } from "./sources/url.ts";

export * from "./common.ts";
export { openSafetensors } from "./formats/safetensors/open.ts";
export { clearCheckpointCache, type FetchOptions, urlFiles } from "./sources/url.ts";

/** Options of `loadCheckpoint` in a browser. */
export interface BrowserLoadOptions extends LoadOptions, FetchOptions {}

/**
 * Loads a model and its tokenizer from the files below a URL, such as
 * `https://huggingface.co/state-spaces/mamba-130m-hf/resolve/main/`. Files are stored in Cache Storage and streamed from
 * there in chunks of 2 MiB: memory holds the weights once, on the kernel. Other files, such as those of `blobFiles`, are
 * read directly.
 *
 * @param source a URL, absolute or relative to the page, or files
 * @throws CheckpointError with a code for each way in which a checkpoint can be unusable; KernelError `OUT_OF_MEMORY`
 */
export async function loadCheckpoint(
  kernel: Kernel,
  source: string | URL | CheckpointFiles,
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
  source: string | URL | CheckpointFiles,
  options: FetchOptions = {},
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
  source: string | URL | CheckpointFiles | FileContents,
  options: FetchOptions = {},
): Promise<ModelSummary> {
  const { files, notes } = await findFiles(source, options);
  const summary = await inspectAny(files);
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
  model: Pick<MambaLM, "kernel" | "linears">,
  source: string | URL | CheckpointFiles,
  options: FetchOptions = {},
): Promise<LoraAdapter> {
  const { files } = await findFiles(source, options);
  return readAdapter(model, files, options);
}

async function findFiles(
  source: string | URL | CheckpointFiles | FileContents,
  options: FetchOptions,
): Promise<{ files: CheckpointFiles; notes: string[] }> {
  if (typeof source === "string" || source instanceof URL) return urlFiles(String(source), options);
  const files = source instanceof Map ? blobFiles(source as FileContents) : (source as CheckpointFiles);
  return { files, notes: [] };
}
