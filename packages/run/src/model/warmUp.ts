import type { MambaLM } from "@mamba/core";
import type { DType, Kernel, WeightDType } from "@mamba/kernel";
import { warmUpPartsOf } from "./warmUpParts.ts";

/**
 * Compiles the shaders of WebGPU that a model needs, so that the first token does not wait for them. Does nothing on other backends.
 *
 * @param onProgress called after each shader with the number that is compiled, and their number
 * @throws KernelError `DRIVER`, naming the shader
 */
export async function warmUp(
  kernel: Kernel,
  { config, parameters }: MambaLM,
  onProgress?: (done: number, total: number) => void,
): Promise<void> {
  if (kernel.name !== "webgpu") return;
  const { WebGpuKernel } = await import("@mamba/kernel-webgpu");
  if (!(kernel instanceof WebGpuKernel)) return;
  const isWeight = (dtype: DType): dtype is WeightDType => dtype !== "i32";
  const weights = [...new Set([...parameters.values()].map(({ dtype }) => dtype))].filter(isWeight);
  await kernel.warmUp({ ...warmUpPartsOf(config), weights, onProgress });
}
