import { join } from "node:path";
import { type MambaLM, parameterSpecs, type Tokenizer } from "@mamba/core";
import {
  type FloatDType,
  fromFloat32,
  type HostArray,
  type Shape,
  type Tensor,
  toFloat32,
} from "@mamba/kernel";
import { hubConfig } from "../config-write.ts";
import type { SafetensorsDType } from "../safetensors/header.ts";
import { safetensorsPieces, type TensorToWrite } from "../safetensors/writer.ts";
import type { FileTokenizer } from "../tokenizer.ts";
import { weightsFile } from "../weights.ts";
import { type Content, writeFiles } from "./write.ts";

/** How a checkpoint is written. */
export interface SaveOptions {
  /** Written beside the weights when it came from files; its `stopIds` go into the config. */
  readonly tokenizer?: Tokenizer | undefined;
  /** Round the large matrices to this type. Default: as the kernel stores them. All other tensors are written as f32. */
  readonly dtype?: FloatDType | undefined;
}

const fileNames: Readonly<Record<FloatDType, SafetensorsDType>> = { f32: "F32", f16: "F16", bf16: "BF16" };

/**
 * Writes a model into `folder` as `transformers` reads it: config.json, model.safetensors and, where `tokenizer` came
 * from files, those files. Nothing that was there is damaged when writing fails, and one tensor at a time is in memory.
 *
 * @throws CheckpointError `IO`; KernelError when reading the weights fails
 */
export async function saveCheckpoint(
  model: MambaLM,
  folder: string,
  { tokenizer, dtype }: SaveOptions = {},
): Promise<void> {
  const tensors: TensorToWrite[] = [];
  let matrixType: FloatDType = "f32";
  for (const { name, shape, storage } of parameterSpecs(model.config)) {
    const tensor = model.parameters.get(name);
    if (!tensor) throw new RangeError(`the model has no parameter ${name}`);
    const stored = tensor.dtype as FloatDType;
    const isMatrix = storage === "any";
    const target = isMatrix ? (dtype ?? stored) : "f32";
    if (isMatrix) matrixType = target;
    tensors.push({
      name,
      dtype: fileNames[target],
      shape: name.endsWith("conv1d.weight") ? withChannelAxis(shape) : shape,
      bytes: () => readBytes(model, tensor, stored, target),
    });
  }
  const config = hubConfig(model.config, matrixType, tokenizer?.stopIds ?? []);
  const files = new Map<string, Content>([
    [join(folder, weightsFile), safetensorsPieces(tensors, { format: "pt" })],
    ...[...filesOf(tokenizer)].map(([name, bytes]) => [join(folder, name), bytes] as const),
    [join(folder, "config.json"), new TextEncoder().encode(`${JSON.stringify(config, null, 2)}\n`)],
  ]);
  await writeFiles(files);
}

async function readBytes(
  model: MambaLM,
  tensor: Tensor,
  from: FloatDType,
  to: FloatDType,
): Promise<Uint8Array> {
  const [values] = await model.kernel.read(tensor);
  const host = values as HostArray;
  const { buffer, byteOffset, byteLength } = from === to ? host : fromFloat32(toFloat32(host, from), to);
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** [E, K] -> [E, 1, K], as PyTorch's grouped convolution has it. */
function withChannelAxis([rows = 0, ...columns]: Shape): Shape {
  return [rows, 1, ...columns];
}

function filesOf(tokenizer: Tokenizer | undefined): ReadonlyMap<string, Uint8Array> {
  return (tokenizer as Partial<FileTokenizer> | undefined)?.files ?? new Map();
}
