import { Embedding, isHybrid, type LMConfig, type MambaLM, moduleName } from "@mamba/core";
import { elementCount } from "@mamba/kernel";
import { architectureFor } from "../architectures/index.ts";
import { chunkElements, rowElements } from "../architectures/parameterSource.ts";

/** The facts of a model that decide the names of an adapter's tensors. */
export type AdaptedModel = Pick<MambaLM, "kernel" | "linears"> & { readonly config: object };

/** A linear layer of the class that PEFT adapts, which holds a layer of core, one of its experts, or some of its rows. */
export interface FileModule {
  /** Its name in the class: `model.layers.0.mamba.in_proj`. */
  readonly name: string;
  /** Outputs of the module in the class. */
  readonly rows: number;
  /** The rows [start, end) of the module that core's layer has. */
  readonly range: readonly [start: number, end: number];
}

/** A layer of core and its modules in the class: one, or one for each expert. */
export interface AdaptedLayer {
  readonly module: string;
  readonly isEmbedding: boolean;
  readonly inputs: number;
  readonly outputs: number;
  /** True when the layer has a matrix for each expert. */
  readonly isExperts: boolean;
  /** Empty when the class has one tensor for all experts, which is no linear layer: PEFT cannot adapt it so. */
  readonly inFile: readonly FileModule[];
}

/** The layers that an adapter can have, with their places in the class that checkpoints of the model are for. */
export function adaptedLayers({ linears, config }: Pick<AdaptedModel, "linears" | "config">): AdaptedLayer[] {
  const places = isHybrid(config as LMConfig) ? placesOf(config as LMConfig) : undefined;
  return [...linears].map(([weight, layer]): AdaptedLayer => {
    const module = moduleName(weight);
    const [outputs = 0, inputs = 0] = layer.weight.shape.slice(-2);
    const own = { name: module, rows: outputs, range: [0, outputs] } as const;
    const isExperts = layer.weight.shape.length === 3;
    const inFile = places?.get(weight) ?? [own];
    return { module, isEmbedding: layer instanceof Embedding, inputs, outputs, isExperts, inFile };
  });
}

/** The modules of every matrix of a hybrid, by its name in core. Models without a class keep core's names. */
function placesOf(config: LMConfig): ReadonlyMap<string, readonly FileModule[]> {
  const architecture = architectureFor(config);
  return new Map(
    architecture.sources(config).map(({ spec, chunks }) => {
      const modules = chunks.flatMap((chunk): FileModule[] => {
        const [name] = chunk.names;
        const [shape] = chunk.shapes;
        if (shape.length > 2 && architecture.format !== "mamba_ts") return [];
        const rows = elementCount(shape) / rowElements(shape);
        const first = chunk.rows?.[0] ?? 0;
        const range = [first, first + chunkElements(chunk) / rowElements(shape)] as const;
        return [{ name: moduleName(name), rows, range }];
      });
      return [spec.name, modules];
    }),
  );
}

/** The layers by the names of the modules that hold them. A module that joins matrices holds several, in the order of its rows. */
export function layersOfModules(
  layers: readonly AdaptedLayer[],
): ReadonlyMap<string, readonly AdaptedLayer[]> {
  const found = new Map<string, AdaptedLayer[]>();
  for (const layer of layers) {
    for (const { name } of layer.inFile) {
      const held = found.get(name);
      if (held) held.push(layer);
      else found.set(name, [layer]);
    }
  }
  return found;
}

/** Modules by their last component where all modules of the model with that component are among them, others in full. */
export function shortNames(modules: readonly string[], inModel: readonly string[]): string[] {
  const chosen = new Set(modules);
  const partial = new Set(inModel.filter((module) => !chosen.has(module)).map(lastName));
  return [...new Set(modules.map((module) => (partial.has(lastName(module)) ? module : lastName(module))))];
}

/** `model.layers.0.mamba.in_proj` -> `in_proj` */
export function lastName(module: string): string {
  return module.split(".").at(-1) ?? "";
}

/** How often the file's rank is that of the layers: a module that joins several has the rank of all of them together. */
export type Joined = ReadonlyMap<string, number>;

/** True when `layers` are under other names in files than in core. */
export function areRenamed(layers: readonly AdaptedLayer[]): boolean {
  return layers.some(({ module, inFile: [first, ...others] }) => first?.name !== module || others.length > 0);
}

/** The place of a parameter's layer among those that its module joins. */
export function joinedIndex(layers: readonly AdaptedLayer[], parameter: string): number {
  const layer = layers.find(({ module }) => parameter.startsWith(`${module}.lora_`));
  const [file] = layer?.inFile ?? [];
  const held = file && layersOfModules(layers).get(file.name);
  return layer && held ? held.indexOf(layer) : 0;
}
