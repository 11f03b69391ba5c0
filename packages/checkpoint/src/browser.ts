import type { LoraAdapter, MambaLM } from "@mamba/core";
import type { Kernel } from "@mamba/kernel";
import { readAdapter } from "./adapter/load.ts";
import { type FetchOptions, urlFiles } from "./browser/fetch-files.ts";
import { type CheckpointSummary, inspect, load, type LoadedCheckpoint, type LoadOptions } from "./load.ts";
import type { CheckpointFiles } from "./source.ts";

export * from "./common.ts";
export { blobFiles } from "./browser/blob-files.ts";
export { clearCheckpointCache, type FetchOptions, urlFiles } from "./browser/fetch-files.ts";
export { openSafetensors } from "./safetensors/reader.ts";

/** Options of `loadCheckpoint` in a browser. */
export interface BrowserLoadOptions extends LoadOptions, FetchOptions {}

/**
 * Loads a model and its tokenizer from the files below a URL, such as
 * `https://huggingface.co/state-spaces/mamba-130m-hf/resolve/main/`. Files are kept in Cache Storage and streamed from
 * there in pieces of 4 MiB: memory holds the weights once, on the kernel. Files from elsewhere, such as those of
 * `blobFiles`, are read where they are.
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
 * What a checkpoint holds, without loading its weights.
 *
 * @throws CheckpointError as `loadCheckpoint` does
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
 * Loads a LoRA adapter in PEFT's format for a model; `model.attach` puts it to work. It is the caller's to dispose.
 *
 * @param source a URL, absolute or relative to the page, or files: adapter_config.json and adapter_model.safetensors
 * @throws CheckpointError with a code for each way in which an adapter can be unusable, or be for another model;
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
  source: string | URL | CheckpointFiles,
  options: FetchOptions,
): Promise<{ files: CheckpointFiles; notes: string[] }> {
  if (typeof source === "string" || source instanceof URL) return urlFiles(String(source), options);
  return { files: source, notes: [] };
}
