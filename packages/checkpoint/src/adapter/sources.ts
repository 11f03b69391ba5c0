import { type Adaptable, type LoraConfig, loraSpecs } from "@mamba/core";
import { show } from "@mamba/core/safetensors";
import type { ParameterSource, TensorRows } from "../architectures/parameterSource.ts";
import { CheckpointError } from "../errors.ts";
import { type AdaptedLayer, type Joined, layersOfModules } from "./modules.ts";

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

/**
 * The place of every parameter of an adapter in its file. The rows of a module that joins layers are split; its A is that of
 * each of them.
 *
 * @param joined modules whose rank is that of several layers together: each has its rows of A, and of B its rows and, when they are
 * loaded, its columns
 */
export function adapterSources(
  linears: Adaptable,
  layers: readonly AdaptedLayer[],
  adapter: LoraConfig,
  joined: Joined,
): ParameterSource[] {
  const places = new Map(layers.map((layer) => [layer.module, layer]));
  const held = layersOfModules(layers);
  const { rank } = adapter;
  return loraSpecs(linears, adapter).map((spec): ParameterSource => {
    const [, module = "", kind = ""] =
      /^(.*)\.(lora_A\.weight|lora_B\.weight|lora_embedding_[AB])$/.exec(spec.name) ?? [];
    const layer = places.get(module);
    if (!layer) throw new Error(`no layer ${module}`);
    const chunks = layer.inFile.map(({ name, rows, range }): TensorRows => {
      const names = [`${prefix}${name}.${kind}`] as const;
      const whole = rank * (joined.get(name) ?? 1);
      const start = whole === rank ? 0 : rank * (held.get(name)?.indexOf(layer) ?? 0);
      if (kind === "lora_B.weight") return { names, shapes: [[rows, whole]], rows: range };
      if (kind === "lora_A.weight")
        return { names, shapes: [[whole, layer.inputs]], rows: [start, start + rank] };
      return { names, shapes: [isTransposed(spec.name) ? [...spec.shape].reverse() : spec.shape] };
    });
    const [first, ...others] = chunks;
    if (!first) throw noModule(module);
    const file = layer.inFile[0]?.name ?? "";
    const columns = rank * (joined.get(file) ?? 1);
    const shape = isTransposed(spec.name)
      ? [...spec.shape].reverse()
      : kind === "lora_B.weight"
        ? [...spec.shape.slice(0, -1), columns]
        : spec.shape;
    return { spec: { ...spec, shape }, chunks: [first, ...others] };
  });
}

/** The error for the matrices of experts that the class of the model has in one tensor. */
export function noModule(module: string): CheckpointError {
  const problem = `PEFT has no adapter of ${show(module)}: the class of the model holds all experts in one tensor`;
  return new CheckpointError(
    "UNSUPPORTED_ADAPTER",
    `${problem}; leave it out of the targets, or merge the adapter into the model`,
  );
}

/**
 * Copies of the model's own table and head, which PEFT writes beside an adapter of one of them: their names in the file and the
 * names of their weights.
 */
export function copiedWeights(layers: readonly AdaptedLayer[]): ReadonlyMap<string, string> {
  return new Map(
    layers.flatMap(({ module, isEmbedding, inFile: [file] }): [string, string][] => {
      if (!isEmbedding && module !== "lm_head") return [];
      const name = file?.name ?? module;
      return [
        [`${prefix}${name}.base_layer.weight`, `${module}.weight`],
        [`${prefix}${name}.weight`, `${module}.weight`],
      ];
    }),
  );
}
