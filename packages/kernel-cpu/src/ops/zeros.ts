import { type DType, lastExtent, type Shape } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import { storedBytes } from "../storedBytes.ts";
import type { CpuTensor } from "../tensor.ts";

export function zeros(runtime: Runtime, shape: Shape, dtype: DType): CpuTensor {
  const tensor = runtime.place("zeros", shape, dtype);
  const { instance, chunk, bytes } = tensor.storage;
  instance.clear(chunk);
  if (dtype === "q8_0") {
    // The codes are stored plus 128, before the scales of each group of rows: assembly/quantized/layout.ts.
    const columns = lastExtent(shape);
    const groupBytes = storedBytes(dtype, [1, columns]);
    const stored = instance.heap.bytes(tensor.localAddress, bytes);
    for (let at = 0; at < bytes; at += groupBytes) stored.fill(128, at, at + 4 * columns);
  }
  return tensor;
}
