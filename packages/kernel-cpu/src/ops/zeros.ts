import type { DType, Shape } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import type { CpuTensor } from "../tensor.ts";

export function zeros(runtime: Runtime, shape: Shape, dtype: DType): CpuTensor {
  const tensor = runtime.place("zeros", shape, dtype);
  tensor.storage.instance.clear(tensor.storage.chunk);
  return tensor;
}
