import { join } from "node:path";
import type { Kernel } from "@mamba/kernel";
import type { LoraAdapter, MambaLM } from "@mamba/core";
import { adapterConfig } from "../adapter/config.ts";
import { type AdapterLoadOptions, readAdapter } from "../adapter/load.ts";
import { adapterConfigFile, adapterPrefix, adapterWeightsFile } from "../adapter/names.ts";
import { safetensorsPieces, type TensorToWrite } from "../safetensors/writer.ts";
import { folderFiles } from "./folder.ts";
import { type Content, writeFiles } from "./write.ts";

/**
 * Loads a LoRA adapter in PEFT's format for a model; `model.attach` puts it to work. It is the caller's to dispose.
 *
 * @param folder with adapter_config.json and adapter_model.safetensors
 * @throws CheckpointError with a code for each way in which an adapter can be unusable, or be for another model;
 * KernelError `OUT_OF_MEMORY`
 */
export async function loadAdapter(
  model: Pick<MambaLM, "kernel" | "linears">,
  folder: string,
  options: AdapterLoadOptions = {},
): Promise<LoraAdapter> {
  return readAdapter(model, await folderFiles(folder), options);
}

/**
 * Writes an adapter into `folder` as PEFT reads it, in f32: adapter_config.json and adapter_model.safetensors. Nothing
 * that was there is damaged when writing fails.
 *
 * @throws CheckpointError `IO`; KernelError when reading the tensors fails
 */
export async function saveAdapter(kernel: Kernel, adapter: LoraAdapter, folder: string): Promise<void> {
  const tensors = [...adapter.parameters].map(([name, tensor]): TensorToWrite => ({
    name: adapterPrefix + name,
    dtype: "F32",
    shape: tensor.shape,
    bytes: async () => {
      const [{ buffer, byteOffset, byteLength }] = (await kernel.read(tensor)) as [Float32Array];
      return new Uint8Array(buffer, byteOffset, byteLength);
    },
  }));
  const config = `${JSON.stringify(adapterConfig(adapter.config), undefined, 2)}\n`;
  await writeFiles(
    new Map<string, Content>([
      [join(folder, adapterWeightsFile), safetensorsPieces(tensors, { format: "pt" })],
      [join(folder, adapterConfigFile), new TextEncoder().encode(config)],
    ]),
  );
}
