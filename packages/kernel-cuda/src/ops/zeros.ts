import type { DType, Shape } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import type { CudaTensor } from "../tensor.ts";
import { copyGrid } from "../upload.ts";

export function zeros(runtime: Runtime, shape: Shape, dtype: DType): CudaTensor {
  const tensor = runtime.result("zeros", shape, dtype);
  const { bytes } = tensor.storage;
  runtime.launch("zeros", "clear", copyGrid(bytes), 256, [tensor, Math.floor(bytes / 16), bytes % 16]);
  return tensor;
}
