import { type Adaptable, Embedding, type LoraConfig, loraSpecs, moduleName } from "@mamba/core";
import type { ParameterSource } from "../architectures/parameterSource.ts";

// PEFT's names of files and tensors.

export const adapterConfigFile = "adapter_config.json";
export const adapterWeightsFile = "adapter_model.safetensors";
/** The file of PEFT before 0.6. */
export const adapterPickleFile = "adapter_model.bin";

const prefix = "base_model.model.";

/** The name of a parameter in the file, such as `base_model.model.backbone.layers.0.mixer.in_proj.lora_A.weight`. */
export function nameInFile(parameter: string): string {
  return `${prefix}${parameter}`;
}

/** The names of the modules that tensors of these names adapt, each once. */
export function adaptedModules(tensors: Iterable<string>): string[] {
  const module = /^base_model\.model\.(.+)\.(?:lora_A\.weight|lora_embedding_A)$/;
  return [...new Set([...tensors].flatMap((name) => module.exec(name)?.[1] ?? []))];
}

/** True for the table of an embedding's update, which is [r, V] in the file and [V, r] in core. */
export function isTransposed(parameter: string): boolean {
  return parameter.endsWith(".lora_embedding_A");
}

/** The place of every parameter of an adapter in its file. */
export function adapterSources(linears: Adaptable, adapter: LoraConfig): ParameterSource[] {
  return loraSpecs(linears, adapter).map((spec) => {
    const shape = isTransposed(spec.name) ? [...spec.shape].reverse() : spec.shape;
    return { spec: { ...spec, shape }, chunks: [{ names: [nameInFile(spec.name)], shapes: [shape] }] };
  });
}

/**
 * Copies of the model's own table and head, which PEFT writes beside an adapter of one of them: their names in the file and the
 * names of their weights.
 */
export function copiedWeights(linears: Adaptable): ReadonlyMap<string, string> {
  return new Map(
    [...linears].flatMap(([weight, layer]): [string, string][] => {
      const module = moduleName(weight);
      if (!(layer instanceof Embedding) && module !== "lm_head") return [];
      return [
        [`${prefix}${module}.base_layer.weight`, weight],
        [`${prefix}${module}.weight`, weight],
      ];
    }),
  );
}
