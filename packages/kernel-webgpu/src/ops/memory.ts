import {
  byteLength,
  byteOffset,
  checkCopyInto,
  checkGatherRows,
  checkWrite,
  type DType,
  type HostArray,
  isDense,
  rowCount,
  type Shape,
  type Tensor,
} from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import type { Storage, WebGpuTensor } from "../tensor.ts";
import { copyRowsInto } from "./copyRows.ts";

export function upload(runtime: Runtime, data: HostArray, shape: Shape, dtype: DType): WebGpuTensor {
  return uploaded(runtime, "upload", data, shape, dtype);
}

/** A tensor with the content of a host array. */
export function uploaded(
  runtime: Runtime,
  op: string,
  data: HostArray,
  shape: Shape,
  dtype: DType,
): WebGpuTensor {
  const tensor = runtime.allocate(op, shape, dtype, true);
  tensor.storage.buffer.touched = true;
  fill(runtime, tensor.storage, 0, data);
  return tensor;
}

/** Copies host data to byte `at`. The queue takes words of 4 bytes: an odd 16-bit element at the end goes with a zero. */
function fill(runtime: Runtime, storage: Storage, at: number, data: HostArray): void {
  const whole = Math.floor(data.byteLength / 4) * 4;
  if (whole > 0) runtime.commands.upload(storage, at, data, whole);
  if (whole === data.byteLength) return;
  const last = new Uint16Array([data[data.length - 1] as number, 0]);
  runtime.commands.upload(storage, at + whole, last, 4);
}

export function zeros(runtime: Runtime, shape: Shape, dtype: DType): WebGpuTensor {
  const tensor = runtime.allocate("zeros", shape, dtype);
  const { buffer, bytes } = tensor.storage;
  if (buffer.touched) {
    runtime.commands.clear("zeros", buffer, 0, Math.ceil(bytes / 4) * 4);
    runtime.commands.write(tensor.storage);
  }
  buffer.touched = true;
  return tensor;
}

export function write(runtime: Runtime, target: Tensor, start: number, data: HostArray): void {
  checkWrite(target, start, data);
  runtime.checkOpen("write");
  const { storage } = runtime.own("write", "target", target);
  if (data.length > 0) fill(runtime, storage, byteOffset(target.dtype, start), data);
}

export function gatherRows(runtime: Runtime, x: Tensor, rows: readonly number[]): WebGpuTensor {
  checkGatherRows(x, rows);
  runtime.checkOpen("gatherRows");
  let own = runtime.own("gatherRows", "x", x);
  const result = runtime.result("gatherRows", [rows.length, ...x.shape.slice(1)], x.dtype);
  using index = uploaded(runtime, "gatherRows", Int32Array.from(rows), [rows.length], "i32");
  // The elements of a tensor with one axis are its rows.
  const flat = x.shape.length === 1;
  using column = flat ? runtime.view(own, [x.shape[0] as number, 1], 1, own.offset) : undefined;
  own = column ?? own;
  const width = own.shape[own.shape.length - 1] as number;
  const each = rowCount(own) / (own.shape[0] as number);
  copyRowsInto(runtime, "gatherRows", result, own, rows.length * each, width, { index, each });
  return result;
}

export function copyInto(runtime: Runtime, target: Tensor, source: Tensor): void {
  checkCopyInto(target, source);
  runtime.checkOpen("copyInto");
  const to = runtime.own("copyInto", "target", target);
  const from = runtime.own("copyInto", "source", source);
  // A dense tensor is all of its memory: what shares it and has its shape is the same.
  if (to.storage === from.storage) return;
  if (!isDense(from)) {
    const width = from.shape[from.shape.length - 1] as number;
    copyRowsInto(runtime, "copyInto", to, from, rowCount(from), width, undefined);
    return;
  }
  runtime.commands.copy("copyInto", from.storage.buffer, 0, to.storage.buffer, 0, wholeWords(to));
  runtime.commands.write(to.storage);
}

function wholeWords(x: WebGpuTensor): number {
  return Math.ceil(byteLength(x.dtype, x.shape) / 4) * 4;
}
