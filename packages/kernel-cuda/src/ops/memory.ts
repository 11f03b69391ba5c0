import {
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
import type { CudaTensor } from "../tensor.ts";
import { copyRowsInto } from "./copyRows.ts";

/** What a launch of `writeWords` takes along. */
const maxWords = 64;

export function upload(runtime: Runtime, data: HostArray, shape: Shape, dtype: DType): CudaTensor {
  return uploaded(runtime, "upload", data, shape, dtype);
}

/** A tensor with the content of a host array. */
export function uploaded(
  runtime: Runtime,
  op: string,
  data: HostArray,
  shape: Shape,
  dtype: DType,
): CudaTensor {
  const tensor = runtime.result(op, shape, dtype);
  fill(runtime, op, tensor.address, data);
  return tensor;
}

/** Copies host data to an address: little of it travels with a launch, and so without an end of the batch. */
function fill(runtime: Runtime, op: string, address: number, data: HostArray): void {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (bytes.length > maxWords * 4) {
    runtime.write(op, address, bytes);
  } else if (bytes.length > 0) {
    const words = new Uint32Array(Math.ceil(bytes.length / 4));
    new Uint8Array(words.buffer).set(bytes);
    runtime.launch(op, "writeWords", 1, 128, [address, bytes.length / 2, words]);
  }
}

export function zeros(runtime: Runtime, shape: Shape, dtype: DType): CudaTensor {
  const tensor = runtime.result("zeros", shape, dtype);
  const { bytes } = tensor.storage;
  runtime.launch("zeros", "clear", blocks(bytes), 256, [tensor, Math.floor(bytes / 16), bytes % 16]);
  return tensor;
}

export function write(runtime: Runtime, target: Tensor, start: number, data: HostArray): void {
  checkWrite(target, start, data);
  runtime.checkOpen("write");
  const own = runtime.own("write", "target", target);
  fill(runtime, "write", own.address + byteOffset(target.dtype, start), data);
}

export function gatherRows(runtime: Runtime, x: Tensor, rows: readonly number[]): CudaTensor {
  checkGatherRows(x, rows);
  const op = "gatherRows";
  runtime.checkOpen(op);
  const own = runtime.own(op, "x", x);
  const result = runtime.result(op, [rows.length, ...x.shape.slice(1)], x.dtype);
  using index = uploaded(runtime, op, Int32Array.from(rows), [rows.length], "i32");
  // The elements of a tensor with one axis are its rows.
  const flat = x.shape.length === 1;
  using column = flat ? runtime.view(own, [x.shape[0] as number, 1], 1, own.offset) : undefined;
  const source = column ?? own;
  const each = rowCount(source) / (source.shape[0] as number);
  copyRowsInto(runtime, op, result, source, rows.length * each, { index, each });
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
    copyRowsInto(runtime, "copyInto", to, from, rowCount(from), undefined);
    return;
  }
  const { bytes } = to.storage;
  const args = [to, from, Math.floor(bytes / 16), bytes % 16];
  runtime.launch("copyInto", "copy", blocks(bytes), 256, args);
}

/** Blocks of 256 threads for 16 bytes each; threads go on to further pieces when there are more. */
function blocks(bytes: number): number {
  return Math.min(65535, Math.ceil(bytes / 16 / 256) || 1);
}
