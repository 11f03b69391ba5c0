import type { KernelError } from "@mamba/kernel";
import { DeviceTensor, type SharedMemory } from "@mamba/kernel/author";
import type { PooledBuffer } from "./pool.ts";

/** Memory shared by a tensor and its views; back to the pool with the last of them. */
export interface Storage extends SharedMemory {
  readonly buffer: PooledBuffer;
  /** Why the content is missing: the work that should have written it failed. */
  fault: KernelError | undefined;
}

/** A handle on a piece of a buffer. Made by `Runtime` only. */
export class WebGpuTensor extends DeviceTensor<Storage> {}

/** Why there is nothing to read in a memory: no buffer behind it, or the work that should have written it failed. */
export function faultOf({ buffer, fault }: Storage): KernelError | undefined {
  return buffer.fault ?? fault;
}
