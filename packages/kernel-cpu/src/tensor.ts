import { byteOffset } from "@mamba/kernel";
import { DeviceTensor, type SharedMemory } from "@mamba/kernel/author";
import type { Chunk } from "./allocator.ts";

/** Memory that a tensor shares with its views: a chunk of the heap. */
export interface Storage extends SharedMemory {
  readonly chunk: Chunk;
}

/** A tensor in the heap. Made by `Runtime` only. */
export class CpuTensor extends DeviceTensor<Storage> {
  /** Byte address of the first element. */
  get address(): number {
    return this.storage.chunk.address + byteOffset(this.dtype, this.offset);
  }
}
