import { byteOffset } from "@mamba/kernel";
import { DeviceTensor, type SharedMemory } from "@mamba/kernel/author";
import type { Block } from "./pool.ts";

/** Memory shared by a tensor and its views. It returns to the pool when the last of them is disposed. */
export interface Storage extends SharedMemory {
  readonly block: Block;
}

/** A handle on device memory. Only `Runtime` creates them. */
export class CudaTensor extends DeviceTensor<Storage> {
  /** Device address of the first element. */
  get address(): number {
    return this.storage.block.address + byteOffset(this.dtype, this.offset);
  }
}
