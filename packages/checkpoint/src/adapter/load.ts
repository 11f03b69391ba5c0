import { LoraAdapter, loraSpecs, type MambaLM } from "@mamba/core";
import { Scope } from "@mamba/kernel";
import { configCap } from "../config.ts";
import { CheckpointError } from "../errors.ts";
import { type LoadOptions, loadTensors } from "../load.ts";
import { matchAdapter } from "../match.ts";
import { type CheckpointFiles, readAll } from "../source.ts";
import { noWeights, readWeightFile } from "../weights.ts";
import { adapterConfigFile, adapterPrefix, adapterWeightsFile } from "./names.ts";
import { parseAdapterConfig } from "./config.ts";

/** What `loadAdapter` takes. */
export type AdapterLoadOptions = Pick<LoadOptions, "onProgress" | "signal">;

/**
 * Loads a PEFT adapter for a model, without attaching it. Config and header are checked against each other and against
 * the model before anything is allocated: what an adapter takes is bounded by the size of its file. Halves become f32.
 */
export async function readAdapter(
  model: Pick<MambaLM, "kernel" | "linears">,
  files: CheckpointFiles,
  options: AdapterLoadOptions,
): Promise<LoraAdapter> {
  const source = await files.open(adapterConfigFile);
  if (!source) throw new CheckpointError("NOT_FOUND", `${files.label}: there is no ${adapterConfigFile}`);
  const config = parseAdapterConfig(await readAll(source, configCap), source.name);
  const weights = await readWeightFile(files, adapterWeightsFile);
  if (!weights) throw await noWeights(files, `no ${adapterWeightsFile}`, ["adapter_model.bin"]);
  const parameters = matchAdapter(loraSpecs(model.linears, config), weights, files.label, adapterPrefix);
  using scope = new Scope();
  const tensors = await loadTensors(model.kernel, files, weights, parameters, options, scope);
  for (const tensor of tensors.values()) scope.release(tensor);
  return new LoraAdapter(config, tensors);
}
