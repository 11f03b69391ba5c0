import { elementCount, type HostArray, isDense } from "@mamba/kernel";
import { copyDense } from "./ops/copyDense.ts";
import type { Runtime } from "./runtime.ts";
import type { CpuTensor } from "./tensor.ts";

/** Returns a dense host copy of a tensor. */
export function fetch(runtime: Runtime, source: CpuTensor): HostArray {
  const count = elementCount(source.shape);
  if (isDense(source)) return runtime.heap.copy(source.dtype, source.unpacked().address, count);
  const gathered = runtime.allocate("read", source.shape, source.dtype);
  try {
    copyDense(runtime, gathered.address, source.unpacked());
    return runtime.heap.copy(source.dtype, gathered.address, count);
  } finally {
    gathered.dispose();
  }
}
