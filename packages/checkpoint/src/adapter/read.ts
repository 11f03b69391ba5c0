import { LoraAdapter, type MambaLM } from "@mamba/core";
import { Scope } from "@mamba/kernel";
import { CheckpointError } from "../errors.ts";
import { noWeights, readWeightFile } from "../formats/safetensors/weights.ts";
import { configCap } from "../json/parse.ts";
import { type LoadOptions, loadParameters } from "../parameters/load.ts";
import { matchParameters } from "../parameters/match.ts";
import { type CheckpointFiles, readAll } from "../sources/source.ts";
import { parseAdapterConfig } from "./config.ts";
import { adapterConfigFile, adapterSources, adapterWeightsFile } from "./sources.ts";

/** Options of `loadAdapter`. */
export type AdapterLoadOptions = Pick<LoadOptions, "onProgress" | "signal">;

/**
 * Loads a PEFT adapter for a model, without attaching it. Config and header are checked against each other and against
 * the model before anything is allocated, so the size of its file bounds the memory of an adapter. f16 and bf16 become f32.
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
  const { parameters } = matchParameters(adapterSources(model.linears, config), weights, files.label);
  using scope = new Scope();
  const tensors = await loadParameters(model.kernel, files, weights, parameters, options, scope);
  for (const tensor of tensors.values()) scope.release(tensor);
  return new LoraAdapter(config, tensors);
}
