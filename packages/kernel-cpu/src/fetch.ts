import { elementCount, type HostArray, isDense, isQuantized } from "@mamba/kernel";
import { readBlocks } from "./blocks.ts";
import { copyDense } from "./ops/copyDense.ts";
import type { Runtime } from "./runtime.ts";
import type { CpuTensor } from "./tensor.ts";

/** Returns a dense host copy of a tensor. */
export function fetch(runtime: Runtime, source: CpuTensor): HostArray {
  if (isQuantized(source.dtype)) return readBlocks(runtime, source);
  const count = elementCount(source.shape);
  const { dtype, localAddress, storage } = source.unpacked();
  if (isDense(source)) return storage.instance.heap.copy(dtype, localAddress, count);
  const gathered = runtime.allocate("read", source.shape, dtype);
  try {
    copyDense(runtime.main, gathered.address, source);
    return runtime.heap.copy(dtype, gathered.address, count);
  } finally {
    gathered.dispose();
  }
}
