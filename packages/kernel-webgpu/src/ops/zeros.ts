import type { OpTable } from "@mamba/kernel/author";
import type { WebGpuTensor } from "../memory/tensor.ts";
import type { Runtime } from "../runtime.ts";

// A new buffer of WebGPU holds zeros: only a reused buffer is cleared.
export const zeros: OpTable<Runtime, WebGpuTensor>["zeros"] = (runtime, shape, dtype) => {
  const tensor = runtime.allocate("zeros", shape, dtype);
  const { buffer, bytes } = tensor.storage;
  if (buffer.used) {
    runtime.commands.clear("zeros", buffer, 0, Math.ceil(bytes / 4) * 4);
    runtime.commands.write(tensor.storage);
  }
  buffer.used = true;
  return tensor;
};
