import { join } from "node:path";
import { weightsFile } from "../formats/weightFiles.ts";
import { type Content, writeFiles } from "../writeFiles.ts";
import type { SavedModel } from "./modelConfig.ts";
import { modelContents, type SaveModelOptions } from "./modelFiles.ts";

/**
 * Writes a sequence or vision model into `folder`: config.json and model.safetensors. A failure leaves existing files as they were,
 * and one tensor at a time is in memory.
 *
 * @throws CheckpointError `CONFIG` when `data` does not fit the model, `UNSUPPORTED_MODEL` for a model with a stack of its own,
 * `ADAPTER` when an adapter is attached and the option `adapter` is not given, `NON_FINITE` when a weight is NaN or infinite, or too
 * large for `dtype`, `TOO_LARGE` for a config.json above 1 MiB, `IO`; MambaError `PARAMETER` when the adapter cannot be merged;
 * KernelError when reading the weights fails
 */
export async function saveModel(
  model: SavedModel,
  folder: string,
  options: SaveModelOptions = {},
): Promise<void> {
  const { weights, config } = modelContents(model, options);
  const files = new Map<string, Content>([
    [join(folder, weightsFile), weights],
    [join(folder, "config.json"), config],
  ]);
  await writeFiles(files);
}
