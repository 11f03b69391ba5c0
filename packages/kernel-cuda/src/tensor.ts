import { byteOffset } from "@mamba/kernel";
import { DeviceTensor, type SharedMemory } from "@mamba/kernel/author";
import type { Block } from "./pool.ts";

/** Memory shared by a tensor and its views; back to the pool with the last of them. */
export interface Storage extends SharedMemory {
  readonly block: Block;
}

/** A handle on a piece of device memory. Made by `Runtime` only. */
export class CudaTensor extends DeviceTensor<Storage> {
  /** Where the first element is, on the device. */
  get address(): number {
    return this.storage.block.address + byteOffset(this.dtype, this.offset);
  }
}
