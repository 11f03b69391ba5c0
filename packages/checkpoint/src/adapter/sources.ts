import { type LoraConfig, loraSpecs, type MambaLM } from "@mamba/core";
import type { ParameterSource } from "../architectures/parameterSource.ts";

// PEFT's names of files and tensors.

export const adapterConfigFile = "adapter_config.json";
export const adapterWeightsFile = "adapter_model.safetensors";

/** The name of a parameter in the file, such as `base_model.model.backbone.layers.0.mixer.in_proj.lora_A.weight`. */
export function nameInFile(parameter: string): string {
  return `base_model.model.${parameter}`;
}

/** The place of every parameter of an adapter in its file. */
export function adapterSources(linears: MambaLM["linears"], adapter: LoraConfig): ParameterSource[] {
  return loraSpecs(linears, adapter).map((spec) => ({
    spec,
    chunks: [{ names: [nameInFile(spec.name)], shapes: [spec.shape] }],
  }));
}
