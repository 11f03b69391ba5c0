import type { DType, Shape } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import type { CudaTensor } from "../tensor.ts";
import { clear } from "../upload.ts";

export function zeros(runtime: Runtime, shape: Shape, dtype: DType): CudaTensor {
  const tensor = runtime.result("zeros", shape, dtype);
  clear(runtime, "zeros", tensor);
  return tensor;
}
