import { join } from "node:path";
import type { LoraAdapter } from "@mamba/core";
import { safetensorsFile, type TensorToWrite } from "@mamba/core/safetensors";
import type { Kernel } from "@mamba/kernel";
import { type Content, writeFiles } from "../writeFiles.ts";
import { checkFinite, transpose, viewBytes } from "../parameters/convert.ts";
import { adapterConfig } from "./config.ts";
import { adapterConfigFile, adapterWeightsFile, isTransposed, nameInFile } from "./sources.ts";

/**
 * Writes an adapter into `folder` as PEFT reads it, in f32: adapter_config.json and adapter_model.safetensors. A failure
 * leaves existing files as they were.
 *
 * @throws CheckpointError `IO`, `NON_FINITE`; KernelError when reading the tensors fails
 */
export async function saveAdapter(kernel: Kernel, adapter: LoraAdapter, folder: string): Promise<void> {
  const tensors = [...adapter.parameters].map(([name, tensor]): TensorToWrite => {
    const [rows = 0, columns = 0] = tensor.shape;
    return {
      name: nameInFile(name),
      dtype: "F32",
      shape: isTransposed(name) ? [columns, rows] : tensor.shape,
      async bytes() {
        const [values] = (await kernel.read(tensor)) as [Float32Array];
        checkFinite(values, name);
        return viewBytes(isTransposed(name) ? transpose(values, rows, columns) : values);
      },
    };
  });
  const config = `${JSON.stringify(adapterConfig(adapter.config), undefined, 2)}\n`;
  await writeFiles(
    new Map<string, Content>([
      [join(folder, adapterWeightsFile), safetensorsFile(tensors, { format: "pt" })],
      [join(folder, adapterConfigFile), new TextEncoder().encode(config)],
    ]),
  );
}
