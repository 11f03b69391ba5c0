import type { ModelData } from "@mamba/core";
import { type PatchedChunks, safetensorsFile } from "@mamba/core/safetensors";
import { weightsFile } from "../formats/weightFiles.ts";
import { safetensorsToWrite, valuesToWrite, type WeightOptions } from "../parameters/weightsToWrite.ts";
import { describeModel, modelConfigBytes, type SavedModel } from "./modelConfig.ts";
import { sequenceSources, visionSources } from "./sources.ts";

/** Options of `saveModel` and `modelFiles`. */
export interface SaveModelOptions extends WeightOptions {
  /** How the inputs are prepared, kept in config.json. It must fit the model. */
  readonly data?: ModelData | undefined;
}

/** The files of a model by their names, their chunks not yet computed. */
export function modelContents(
  model: SavedModel,
  { data, dtype, adapter }: SaveModelOptions,
): { readonly weights: PatchedChunks; readonly config: Uint8Array } {
  const description = describeModel(model, data);
  const sources =
    description.kind === "vision" ? visionSources(description.config) : sequenceSources(description.config);
  const valuesOf = valuesToWrite(model, adapter);
  const { tensors, matrixType } = safetensorsToWrite(sources, { dtype, valuesOf });
  return {
    weights: safetensorsFile(tensors, { format: "pt" }),
    config: modelConfigBytes(description, matrixType),
  };
}

/**
 * The files of a model as `saveModel` writes them, in memory: config.json and model.safetensors. `loadModel` reads the map.
 *
 * @throws CheckpointError `CONFIG` when `data` does not fit the model, and the codes of `saveModel` but `IO`
 */
export async function modelFiles(
  model: SavedModel,
  options: SaveModelOptions = {},
): Promise<Map<string, Uint8Array>> {
  const { weights, config } = modelContents(model, options);
  return new Map([
    ["config.json", config],
    [weightsFile, await inMemory(weights)],
  ]);
}

async function inMemory({ chunks, patch }: PatchedChunks): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk.slice());
  const file = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of parts) {
    file.set(chunk, at);
    at += chunk.length;
  }
  const { offset, bytes } = await patch();
  file.set(bytes, offset);
  return file;
}
