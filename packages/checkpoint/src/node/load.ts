import { stat } from "node:fs/promises";
import { type Kernel } from "@mamba/kernel";
import { CheckpointError, show } from "../errors.ts";
import { type CheckpointSummary, inspect, load, type LoadedCheckpoint, type LoadOptions } from "../load.ts";
import type { CheckpointFiles } from "../source.ts";
import { folderFiles } from "./folder.ts";
import { hubFiles, type HubOptions, isHubName } from "./hub.ts";

/** Options of `loadCheckpoint` in Node. Those of the hub have no meaning for a folder. */
export interface NodeLoadOptions extends LoadOptions, HubOptions {}

/**
 * Loads a model and its tokenizer. An existing folder is taken as such; otherwise `organisation/name` names a model on
 * the hub. Weights go to the kernel in pieces of 4 MiB: the host never holds a second copy of them.
 *
 * @param source folder with config.json and model.safetensors (or its shards), or the name of a model on the hub
 * @throws CheckpointError with a code for each way in which a checkpoint can be unusable; KernelError `OUT_OF_MEMORY`
 */
export async function loadCheckpoint(
  kernel: Kernel,
  source: string,
  options: NodeLoadOptions = {},
): Promise<LoadedCheckpoint> {
  const { files, notes } = await findFiles(source, options);
  const loaded = await load(kernel, files, options);
  return { ...loaded, notes: [...notes, ...loaded.notes] };
}

/**
 * What a checkpoint holds, without loading its weights; a model on the hub is downloaded into the cache, though.
 *
 * @throws CheckpointError as `loadCheckpoint` does
 */
export async function inspectCheckpoint(
  source: string,
  options: NodeLoadOptions = {},
): Promise<CheckpointSummary> {
  const { files, notes } = await findFiles(source, options);
  const summary = await inspect(files);
  return { ...summary, notes: [...notes, ...summary.notes] };
}

async function findFiles(
  source: string,
  options: NodeLoadOptions,
): Promise<{ files: CheckpointFiles; notes: string[] }> {
  const isThere = await stat(source).then(
    () => true,
    () => false,
  );
  if (isThere) return { files: await folderFiles(source), notes: [] };
  if (isHubName(source)) return hubFiles(source, options);
  const message = `${show(source)} is neither a folder nor the name of a model on the hub (organisation/name)`;
  throw new CheckpointError("NOT_FOUND", message);
}
