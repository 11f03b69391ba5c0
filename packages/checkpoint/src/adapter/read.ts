import { LoraAdapter } from "@mamba/core";
import { show } from "@mamba/core/safetensors";
import {
  fromFloat32,
  type HostArray,
  isQuantized,
  type Kernel,
  lastExtent,
  Scope,
  type Tensor,
  toFloat32,
  type WeightDType,
} from "@mamba/kernel";
import { CheckpointError } from "../errors.ts";
import { noWeights, openWeights, readWeightFile, type Weights } from "../formats/weights.ts";
import { configCap, parseJsonObject } from "../json/parse.ts";
import { storageType } from "../formats/storedTypes.ts";
import { quantizersFor, transpose, viewValues } from "../parameters/convert.ts";
import { type LoadOptions, loadParameters } from "../parameters/load.ts";
import { matchParameters } from "../parameters/match.ts";
import { type CheckpointFiles, readAll } from "../sources/source.ts";
import { parseAdapterConfig } from "./config.ts";
import { type AdaptedModel, adaptedLayers, joinedIndex } from "./modules.ts";
import {
  adaptedModules,
  adapterConfigFile,
  adapterPickleFile,
  adapterSources,
  adapterWeightsFile,
  copiedWeights,
  isTransposed,
} from "./sources.ts";

/** Options of `loadAdapter`. */
export type AdapterLoadOptions = Pick<LoadOptions, "onProgress" | "signal" | "verify">;

/**
 * Loads a PEFT adapter for a model, without attaching it. Config and header are checked against each other and against
 * the model before anything is allocated, so the size of its file bounds the memory of an adapter. f16 and bf16 become f32.
 */
export async function readAdapter(
  model: AdaptedModel,
  files: CheckpointFiles,
  options: AdapterLoadOptions,
): Promise<LoraAdapter> {
  const source = await files.open(adapterConfigFile);
  if (!source) throw new CheckpointError("NOT_FOUND", `${files.label}: there is no ${adapterConfigFile}`);
  const bytes = await readAll(source, configCap);
  parseJsonObject(bytes, source.name); // reports a damaged config before the weights are opened
  const weights =
    (await readWeightFile(files, adapterWeightsFile)) ?? (await readWeightFile(files, adapterPickleFile));
  if (!weights) throw noWeights(files.label, `${adapterWeightsFile}, ${adapterPickleFile}`);
  const { kernel, linears } = model;
  const layers = adaptedLayers(model);
  const { config, joined } = parseAdapterConfig(bytes, source.name, layers, [
    ...adaptedModules(weights.tensors.keys()),
  ]);
  const copied = copiedWeights(layers);
  const unused = new Map([...copied.keys()].map((name) => [name, "it is a copy of the model's own"]));
  const { parameters } = matchParameters(
    adapterSources(linears, layers, config, joined),
    weights,
    files.label,
    unused,
  );
  for (const [name, weight] of copied) {
    if (weights.tensors.has(name)) await checkCopy(files, weights, name, kernel, linears.get(weight)?.weight);
  }
  using scope = new Scope();
  const tensors = new Map(await loadParameters(kernel, files, weights, parameters, options, scope));
  for (const [name, tensor] of tensors) {
    if (isTransposed(name)) tensors.set(name, scope.use(await transposed(kernel, tensor)));
    else if (name.endsWith(".lora_B.weight") && lastExtent(tensor.shape) > config.rank)
      tensors.set(
        name,
        scope.use(await ownColumns(kernel, tensor, config.rank, joinedIndex(layers, name), name)),
      );
  }
  for (const tensor of tensors.values()) scope.release(tensor);
  return new LoraAdapter(config, tensors);
}

/** [r, V] -> [V, r] */
async function transposed(kernel: Kernel, tensor: Tensor): Promise<Tensor> {
  const [values] = (await kernel.read(tensor)) as [Float32Array];
  const [rows = 0, columns = 0] = tensor.shape;
  return kernel.upload(transpose(values, rows, columns), [columns, rows], "f32");
}

/**
 * The columns of a layer among those of all layers that a module joins: the only ones that are not zero.
 *
 * @throws CheckpointError `UNSUPPORTED_ADAPTER` when the update of the layer has a higher rank
 */
async function ownColumns(
  kernel: Kernel,
  tensor: Tensor,
  rank: number,
  index: number,
  name: string,
): Promise<Tensor> {
  const [values] = (await kernel.read(tensor)) as [Float32Array];
  const columns = lastExtent(tensor.shape);
  const rows = values.length / columns;
  const start = index * rank;
  const own = new Float32Array(rows * rank);
  for (const [i, value] of values.entries()) {
    const column = (i % columns) - start;
    if (column >= 0 && column < rank) own[Math.floor(i / columns) * rank + column] = value;
    else if (value !== 0)
      throw new CheckpointError(
        "UNSUPPORTED_ADAPTER",
        `${name} has a rank above ${rank}: updates of the matrices that its module joins are mixed`,
      );
  }
  return kernel.upload(own, [rows, rank], "f32");
}

/**
 * PEFT writes the table and the head of the model beside an adapter that changes them. Another table, as after new tokens were
 * added to the model, would be lost without a word.
 */
async function checkCopy(
  files: CheckpointFiles,
  { files: [weightFile = adapterWeightsFile] }: Weights,
  name: string,
  kernel: Kernel,
  weight: Tensor | undefined,
): Promise<void> {
  await using file = await openWeights(files, weightFile);
  const info = file?.tensors.get(name);
  const dtype = info && storageType(info.dtype);
  if (
    file &&
    weight &&
    dtype !== undefined &&
    dtype !== "i32" &&
    !isQuantized(dtype) &&
    info?.shape.join() === weight.shape.join()
  ) {
    const own = weight.dtype as WeightDType;
    const [expected] = (await kernel.read(weight)) as [HostArray];
    const found = toFloat32(viewValues(await file.read(name), dtype), dtype);
    if (isQuantized(own)) {
      const quantizers = await quantizersFor([own]);
      const blocks = quantizers?.dequantize(expected as Uint8Array, own);
      if (blocks && isRoundedCopy(blocks, found, weight.shape.at(-1) ?? 1)) return;
    } else {
      const wanted = toFloat32(expected, own);
      const values = toFloat32(fromFloat32(found, own), own);
      // A file in a shorter type than the model holds a rounded copy.
      const rounded = toFloat32(fromFloat32(wanted, dtype), dtype);
      if (values.every((value, i) => value === wanted[i] || value === rounded[i])) return;
    }
  }
  const message = `${files.label}: ${show(name)} is not the weight of this model; merge the adapter with PEFT instead`;
  throw new CheckpointError("UNSUPPORTED_ADAPTER", message);
}

/** True when the quantised values of each row differ from `found` by their rounding: at most a twentieth of the row's energy. */
function isRoundedCopy(quantized: Float32Array, found: Float32Array, columns: number): boolean {
  for (let row = 0; row < found.length; row += columns) {
    let [energy, error] = [0, 0];
    for (let i = row; i < row + columns; i++) {
      const value = found[i] ?? NaN;
      energy += value * value;
      error += ((quantized[i] ?? NaN) - value) ** 2;
    }
    if (!(error <= energy / 20)) return false;
  }
  return true;
}
