import type { DType, HostArray, Shape } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import type { Storage, WebGpuTensor } from "./tensor.ts";

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
  writeArray(runtime, tensor.storage, 0, data);
  return tensor;
}

/** Copies a host array to byte `at`. The queue writes words of 4 bytes: an odd 16-bit element at the end gets a zero beside it. */
export function writeArray(runtime: Runtime, storage: Storage, at: number, data: HostArray): void {
  const whole = Math.floor(data.byteLength / 4) * 4;
  if (whole > 0) runtime.commands.upload(storage, at, data, whole);
  if (whole === data.byteLength) return;
  const last = new Uint16Array([data[data.length - 1] ?? 0, 0]);
  runtime.commands.upload(storage, at + whole, last, 4);
}
