import { type DType, type HostArray, isQuantized, type Shape } from "@mamba/kernel";
import { writeBlocks } from "../blocks.ts";
import type { Runtime } from "../runtime.ts";
import type { CpuTensor } from "../tensor.ts";

export function upload(runtime: Runtime, data: HostArray, shape: Shape, dtype: DType): CpuTensor {
  const tensor = runtime.place("upload", shape, dtype);
  if (!isQuantized(dtype))
    tensor.storage.instance.heap.view(dtype, tensor.localAddress, data.length).set(data);
  else {
    try {
      writeBlocks(runtime, "upload", tensor, 0, data as Uint8Array);
    } catch (error) {
      tensor.dispose();
      throw error;
    }
  }
  return tensor;
}
