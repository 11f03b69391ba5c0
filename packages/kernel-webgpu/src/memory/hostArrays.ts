import { byteOffset, type DType, type HostArray, isQuantized, lastExtent, type Shape } from "@mamba/kernel";
import { storedOffset } from "../quantized/layouts.ts";
import { writeRows } from "../quantized/writeRows.ts";
import type { Runtime } from "../runtime.ts";
import type { WebGpuTensor } from "./tensor.ts";

/** Returns a new dense tensor with the content of a host array. */
export function uploadArray(
  runtime: Runtime,
  op: string,
  data: HostArray,
  shape: Shape,
  dtype: DType,
): WebGpuTensor {
  const tensor = runtime.allocate(op, shape, dtype, true);
  tensor.storage.buffer.used = true;
  writeArray(runtime, tensor, 0, data);
  return tensor;
}

/**
 * Copies a host array to the elements from `start` on: whole rows of a quantised tensor. The queue writes words of 4 bytes: an odd
 * 16-bit element at the end gets a zero beside it.
 */
export function writeArray(runtime: Runtime, target: WebGpuTensor, start: number, data: HostArray): void {
  const { dtype, storage } = target;
  if (isQuantized(dtype)) {
    const at = storedOffset(target, start);
    writeRows(runtime.commands, storage, at, dtype, lastExtent(target.shape), data as Uint8Array);
    return;
  }
  const at = byteOffset(dtype, target.offset + start);
  const whole = Math.floor(data.byteLength / 4) * 4;
  if (whole > 0) runtime.commands.upload(storage, at, data, whole);
  if (whole === data.byteLength) return;
  const last = new Uint16Array([data[data.length - 1] ?? 0, 0]);
  runtime.commands.upload(storage, at + whole, last, 4);
}
