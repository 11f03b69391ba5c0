import type { DType, HostArray, Shape } from "@mamba/kernel";
import type { Runtime } from "./runtime.ts";
import type { CudaTensor } from "./tensor.ts";

/** Words that a launch of `writeWords` carries as an argument. */
const maxWords = 64;

/** Creates a tensor with a copy of a host array. */
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

/** Copies host data to a device address. Up to 256 bytes are an argument of a launch, which does not end the batch. */
export function fill(runtime: Runtime, op: string, address: number, data: HostArray): void {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (bytes.length > maxWords * 4) {
    runtime.write(op, address, bytes);
  } else if (bytes.length > 0) {
    const words = new Uint32Array(Math.ceil(bytes.length / 4));
    new Uint8Array(words.buffer).set(bytes);
    runtime.launch(op, "writeWords", 1, 128, [address, bytes.length / 2, words]);
  }
}

/** Sets all elements of a new tensor to 0. */
export function clear(runtime: Runtime, op: string, tensor: CudaTensor): void {
  const { bytes } = tensor.storage;
  runtime.launch(op, "clear", copyGrid(bytes), 256, [tensor, Math.floor(bytes / 16), bytes % 16]);
}

/** Blocks of 256 threads for 16 bytes per thread, at most 65535; beyond that each thread takes more than one chunk. */
export function copyGrid(bytes: number): number {
  return Math.min(65535, Math.ceil(bytes / 16 / 256) || 1);
}
