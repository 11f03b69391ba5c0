import { join } from "node:path";
import type { LoraAdapter } from "@mamba/core";
import { safetensorsFile, type TensorToWrite } from "@mamba/core/safetensors";
import { checkFinite, transpose, viewBytes } from "../parameters/convert.ts";
import { type Content, writeFiles } from "../writeFiles.ts";
import { adapterConfig } from "./config.ts";
import {
  type AdaptedLayer,
  type AdaptedModel,
  adaptedLayers,
  areRenamed,
  layersOfModules,
  shortNames,
} from "./modules.ts";
import { adapterConfigFile, adapterWeightsFile, nameInFile, noModule } from "./sources.ts";

/**
 * Writes an adapter into `folder` as PEFT reads it, in f32: adapter_config.json and adapter_model.safetensors. Modules have the names of
 * the class that checkpoints of the model are for. The updates of layers that a module of the class joins, such as gate and up,
 * become one of the ranks of both together. A failure leaves existing files as they were.
 *
 * @throws CheckpointError `IO`, `NON_FINITE`, `UNSUPPORTED_ADAPTER` for matrices that PEFT cannot adapt; KernelError when reading the
 * tensors fails
 */
export async function saveAdapter(model: AdaptedModel, adapter: LoraAdapter, folder: string): Promise<void> {
  const layers = adaptedLayers(model);
  const held = layersOfModules(layers);
  checkAdapter(model, adapter);
  const isAdapted = ({ module, isEmbedding }: AdaptedLayer) =>
    adapter.parameters.has(`${module}${isEmbedding ? ".lora_embedding_A" : ".lora_A.weight"}`);
  const adapted = [...held].filter(([, joined]) => joined.some(isAdapted));
  const tensors = adapted.flatMap(([module, joined]) => moduleTensors(model, adapter, module, joined));
  const several = new Map(
    adapted.flatMap(([module, { length }]): [string, number][] => (length > 1 ? [[module, length]] : [])),
  );
  const targets = areRenamed(layers)
    ? shortNames(
        adapted.map(([module]) => module),
        [...held.keys()],
      )
    : undefined;
  const config = adapterConfig(adapter.config, targets, several);
  await writeFiles(
    new Map<string, Content>([
      [join(folder, adapterWeightsFile), safetensorsFile(tensors, { format: "pt" })],
      [
        join(folder, adapterConfigFile),
        new TextEncoder().encode(`${JSON.stringify(config, undefined, 2)}\n`),
      ],
    ]),
  );
}

/**
 * Checks that PEFT has a form for an adapter: `saveAdapter` refuses others.
 *
 * @throws CheckpointError `UNSUPPORTED_ADAPTER`
 */
export function checkAdapter(model: Pick<AdaptedModel, "linears" | "config">, adapter: LoraAdapter): void {
  for (const { module, inFile } of adaptedLayers(model)) {
    const has = [...adapter.parameters.keys()].some((name) => name.startsWith(`${module}.lora_`));
    if (has && inFile.length === 0) throw noModule(module);
  }
}

/** The two tensors of a module of the class. */
function moduleTensors(
  { kernel }: AdaptedModel,
  adapter: LoraAdapter,
  module: string,
  layers: readonly AdaptedLayer[],
): TensorToWrite[] {
  const { rank } = adapter.config;
  const [first] = layers;
  if (!first) return [];
  const read = async (name: string): Promise<Float32Array | undefined> => {
    const tensor = adapter.parameters.get(name);
    if (!tensor) return undefined;
    const [values] = (await kernel.read(tensor)) as [Float32Array];
    checkFinite(values, name);
    return values;
  };
  const tensor = (
    kind: string,
    shape: readonly number[],
    values: () => Promise<Float32Array>,
  ): TensorToWrite => ({
    name: nameInFile(`${module}.${kind}`),
    dtype: "F32",
    shape,
    bytes: async () => viewBytes(await values()),
  });
  const { inputs, outputs, inFile } = first;
  const empty = new Float32Array();
  if (first.isEmbedding) {
    const A = `${first.module}.lora_embedding_A`;
    const B = `${first.module}.lora_embedding_B`;
    return [
      tensor("lora_embedding_A", [rank, outputs], async () =>
        transpose((await read(A)) ?? empty, outputs, rank),
      ),
      tensor("lora_embedding_B", [inputs, rank], async () => (await read(B)) ?? empty),
    ];
  }
  const expert = inFile.findIndex(({ name }) => name === module);
  const columns = rank * layers.length;
  const rows = inFile[expert]?.rows ?? outputs;
  return [
    tensor("lora_A.weight", [columns, inputs], async () => {
      const all = new Float32Array(columns * inputs);
      for (const [i, layer] of layers.entries()) {
        const values = (await read(`${layer.module}.lora_A.weight`)) ?? empty;
        all.set(values.subarray(expert * rank * inputs, (expert + 1) * rank * inputs), i * rank * inputs);
      }
      return all;
    }),
    tensor("lora_B.weight", [rows, columns], async () => {
      const all = new Float32Array(rows * columns);
      for (const [i, layer] of layers.entries()) {
        const place = layer.inFile[expert];
        const values = (await read(`${layer.module}.lora_B.weight`)) ?? empty;
        const own = values.subarray(expert * layer.outputs * rank, (expert + 1) * layer.outputs * rank);
        copyColumns(own, all, { rank, columns, row: place?.range[0] ?? 0, column: i * rank });
      }
      return all;
    }),
  ];
}

/** Copies [O, r] to a place of a wider matrix. */
function copyColumns(
  from: Float32Array,
  into: Float32Array,
  at: { readonly rank: number; readonly columns: number; readonly row: number; readonly column: number },
): void {
  for (let i = 0; i * at.rank < from.length; i++) {
    into.set(from.subarray(i * at.rank, (i + 1) * at.rank), (at.row + i) * at.columns + at.column);
  }
}
