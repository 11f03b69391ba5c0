import type { DType, Shape } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import type { CpuTensor } from "../tensor.ts";

export function zeros(runtime: Runtime, shape: Shape, dtype: DType): CpuTensor {
  const tensor = runtime.allocate("zeros", shape, dtype);
  runtime.wasm.fillZero(tensor.address, tensor.storage.bytes);
  return tensor;
}
