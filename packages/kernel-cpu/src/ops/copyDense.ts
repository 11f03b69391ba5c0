import { byteOffset, lastExtent } from "@mamba/kernel";
import { rowCount } from "@mamba/kernel/author";
import type { Runtime } from "../runtime.ts";
import type { CpuTensor } from "../tensor.ts";

/** Copies the elements of `source` to consecutive addresses from byte `address` on. */
export function copyDense(runtime: Runtime, address: number, source: CpuTensor): void {
  const width = byteOffset(source.dtype, lastExtent(source.shape));
  const stride = byteOffset(source.dtype, source.rowStride);
  runtime.wasm.copyRows(address, source.address, rowCount(source), width, stride);
}
