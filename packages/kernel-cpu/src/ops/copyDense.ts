import { byteOffset, lastExtent } from "@mamba/kernel";
import { rowCount } from "@mamba/kernel/author";
import type { Instance } from "../instance.ts";
import type { CpuTensor } from "../tensor.ts";

/** Rows of bytes in the memory of an instance, `stride` bytes apart. */
export interface ByteRows {
  readonly instance: Instance;
  readonly address: number;
  readonly rows: number;
  readonly rowBytes: number;
  readonly stride: number;
}

/** Copies the elements of `source` to consecutive addresses from byte `address` on in the memory of `instance`. */
export function copyDense(instance: Instance, address: number, source: CpuTensor): void {
  copyRows(instance, address, {
    instance: source.storage.instance,
    address: source.localAddress,
    rows: rowCount(source),
    rowBytes: byteOffset(source.dtype, lastExtent(source.shape)),
    stride: byteOffset(source.dtype, source.rowStride),
  });
}

/** Copies rows to consecutive addresses from byte `address` on in the memory of `target`. */
export function copyRows(target: Instance, address: number, source: ByteRows): void {
  const { instance, rows, rowBytes, stride } = source;
  if (instance === target) instance.wasm.copyRows(address, source.address, rows, rowBytes, stride);
  else if (rowBytes === stride) {
    target.heap.copyFrom(instance.heap, source.address, rows * rowBytes, address);
  } else {
    for (let row = 0; row < rows; row++) {
      target.heap.copyFrom(instance.heap, source.address + row * stride, rowBytes, address + row * rowBytes);
    }
  }
}
