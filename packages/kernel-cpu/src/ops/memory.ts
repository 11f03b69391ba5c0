import {
  byteOffset,
  checkCopyInto,
  checkGatherRows,
  checkWrite,
  type DType,
  elementCount,
  type HostArray,
  isDense,
  rowCount,
  type Shape,
  type Tensor,
} from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import type { CpuTensor } from "../tensor.ts";

export function upload(runtime: Runtime, data: HostArray, shape: Shape, dtype: DType): CpuTensor {
  const tensor = runtime.allocate("upload", shape, dtype);
  runtime.heap.view(dtype, tensor.address, data.length).set(data);
  return tensor;
}

export function zeros(runtime: Runtime, shape: Shape, dtype: DType): CpuTensor {
  const tensor = runtime.allocate("zeros", shape, dtype);
  runtime.wasm.fillZero(tensor.address, tensor.storage.bytes);
  return tensor;
}

export function write(runtime: Runtime, target: Tensor, start: number, data: HostArray): void {
  checkWrite(target, start, data);
  runtime.checkOpen("write");
  const { address } = runtime.own("write", "target", target);
  const { dtype } = target;
  runtime.heap.view(dtype, address + byteOffset(dtype, start), data.length).set(data);
}

export function gatherRows(runtime: Runtime, x: Tensor, rows: readonly number[]): CpuTensor {
  checkGatherRows(x, rows);
  runtime.checkOpen("gatherRows");
  const own = runtime.own("gatherRows", "x", x);
  const y = runtime.allocate("gatherRows", [rows.length, ...x.shape.slice(1)], x.dtype);
  if (x.shape.length === 1) {
    // The only axis is the last one: its elements are the rows.
    const source = runtime.heap.view(x.dtype, own.address, x.shape[0] as number);
    const target = runtime.heap.view(x.dtype, y.address, rows.length);
    rows.forEach((row, i) => (target[i] = source[row] as number));
    return y;
  }
  const each = rowCount(x) / (x.shape[0] as number);
  const width = byteOffset(x.dtype, x.shape[x.shape.length - 1] as number);
  const stride = byteOffset(x.dtype, x.rowStride);
  rows.forEach((row, i) => {
    runtime.wasm.copyRows(
      y.address + i * each * width,
      own.address + row * each * stride,
      each,
      width,
      stride,
    );
  });
  return y;
}

export function copyInto(runtime: Runtime, target: Tensor, source: Tensor): void {
  checkCopyInto(target, source);
  runtime.checkOpen("copyInto");
  copyDense(
    runtime,
    runtime.own("copyInto", "target", target).address,
    runtime.own("copyInto", "source", source),
  );
}

/** Dense host copies, taken now. */
export function fetch(runtime: Runtime, sources: readonly CpuTensor[]): HostArray[] {
  return sources.map((source) => {
    const count = elementCount(source.shape);
    if (isDense(source)) return runtime.heap.copy(source.dtype, source.address, count);
    const gathered = runtime.allocate("read", source.shape, source.dtype);
    try {
      copyDense(runtime, gathered.address, source);
      return runtime.heap.copy(source.dtype, gathered.address, count);
    } finally {
      gathered.dispose();
    }
  });
}

function copyDense(runtime: Runtime, address: number, source: CpuTensor): void {
  const width = byteOffset(source.dtype, source.shape[source.shape.length - 1] as number);
  const stride = byteOffset(source.dtype, source.rowStride);
  runtime.wasm.copyRows(address, source.address, rowCount(source), width, stride);
}
