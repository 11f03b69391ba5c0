import type { LoraAdapter, MambaLM } from "@mamba/core";
import type { Kernel } from "@mamba/kernel";
import { readAdapter } from "./adapter/load.ts";
import { type FetchOptions, urlFiles } from "./browser/fetch-files.ts";
import { type CheckpointSummary, inspect, load, type LoadedCheckpoint, type LoadOptions } from "./load.ts";

export * from "./common.ts";
export { clearCheckpointCache, type FetchOptions } from "./browser/fetch-files.ts";
export { openSafetensors } from "./safetensors/reader.ts";

/** Options of `loadCheckpoint` in a browser. */
export interface BrowserLoadOptions extends LoadOptions, FetchOptions {}

/**
 * Loads a model and its tokenizer from the files below a URL, such as
 * `https://huggingface.co/state-spaces/mamba-130m-hf/resolve/main/`. Files are kept in Cache Storage and streamed from
 * there in pieces of 4 MiB: memory holds the weights once, on the kernel.
 *
 * @param base absolute, or relative to the page
 * @throws CheckpointError with a code for each way in which a checkpoint can be unusable; KernelError `OUT_OF_MEMORY`
 */
export async function loadCheckpoint(
  kernel: Kernel,
  base: string | URL,
  options: BrowserLoadOptions = {},
): Promise<LoadedCheckpoint> {
  const { files, notes } = await urlFiles(String(base), options);
  const loaded = await load(kernel, files, options);
  return { ...loaded, notes: [...notes, ...loaded.notes] };
}

/**
 * What a checkpoint holds, without loading its weights.
 *
 * @throws CheckpointError as `loadCheckpoint` does
 */
export async function inspectCheckpoint(
  base: string | URL,
  options: FetchOptions = {},
): Promise<CheckpointSummary> {
  const { files, notes } = await urlFiles(String(base), options);
  const summary = await inspect(files);
  return { ...summary, notes: [...notes, ...summary.notes] };
}

/**
 * Loads a LoRA adapter in PEFT's format for a model; `model.attach` puts it to work. It is the caller's to dispose.
 *
 * @param base of adapter_config.json and adapter_model.safetensors; absolute, or relative to the page
 * @throws CheckpointError with a code for each way in which an adapter can be unusable, or be for another model;
 * KernelError `OUT_OF_MEMORY`
 */
export async function loadAdapter(
  model: Pick<MambaLM, "kernel" | "config">,
  base: string | URL,
  options: FetchOptions = {},
): Promise<LoraAdapter> {
  const { files } = await urlFiles(String(base), options);
  return readAdapter(model, files, options);
}
