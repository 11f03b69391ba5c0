import type { DType, HostArray, Shape } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import type { CpuTensor } from "../tensor.ts";

export function upload(runtime: Runtime, data: HostArray, shape: Shape, dtype: DType): CpuTensor {
  const tensor = runtime.place("upload", shape, dtype);
  tensor.storage.instance.heap.view(dtype, tensor.localAddress, data.length).set(data);
  return tensor;
}
