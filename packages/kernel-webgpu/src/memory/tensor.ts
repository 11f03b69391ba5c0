import type { KernelError } from "@mamba/kernel";
import { DeviceTensor, type SharedMemory } from "@mamba/kernel/author";
import type { PooledBuffer } from "./bufferPool.ts";

/** Memory shared by a tensor and its views. It returns to the pool when the last of them is disposed. */
export interface Storage extends SharedMemory {
  readonly buffer: PooledBuffer;
  /** The error of the work that should have written the content. */
  error: KernelError | undefined;
}

/** A handle on a range of a buffer. Created by `Runtime` only. */
export class WebGpuTensor extends DeviceTensor<Storage> {}

/** The error that made the content of a memory invalid: its allocation, or the work that should have written it, failed. */
export function storageError({ buffer, error }: Storage): KernelError | undefined {
  return buffer.error ?? error;
}
