import { byteOffset } from "@mamba/kernel";
import { DeviceTensor, type SharedMemory } from "@mamba/kernel/author";
import { type Block, lineBytes } from "./allocator.ts";

/** Memory shared by a tensor and its views: a block of the heap. */
export interface Storage extends SharedMemory {
  readonly block: Block;
}

/** A handle on a piece of the heap. Made by `Runtime` only. */
export class CpuTensor extends DeviceTensor<Storage> {
  /** Byte address of the first element. */
  get address(): number {
    return this.storage.block.start * lineBytes + byteOffset(this.dtype, this.offset);
  }
}

/** Byte address of the first element, 0 for an absent tensor. */
export function addressOf(tensor: CpuTensor | undefined): number {
  return tensor === undefined ? 0 : tensor.address;
}
