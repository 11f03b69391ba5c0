import type { OpTable } from "@mamba/kernel/author";
import type { Runtime } from "../runtime.ts";
import type { WebGpuTensor } from "../tensor.ts";

/** New buffers of WebGPU hold zeros: only a buffer that was used before is cleared. */
export const zeros: OpTable<Runtime, WebGpuTensor>["zeros"] = (runtime, shape, dtype) => {
  const tensor = runtime.allocate("zeros", shape, dtype);
  const { buffer, bytes } = tensor.storage;
  if (buffer.touched) {
    runtime.commands.clear("zeros", buffer, 0, Math.ceil(bytes / 4) * 4);
    runtime.commands.write(tensor.storage);
  }
  buffer.touched = true;
  return tensor;
};
