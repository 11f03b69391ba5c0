import { byteOffset } from "@mamba/kernel";
import { DeviceTensor, type SharedMemory } from "@mamba/kernel/author";
import type { Chunk } from "./allocator.ts";

/** Memory that a tensor shares with its views: a chunk of the heap. */
export interface Storage extends SharedMemory {
  readonly chunk: Chunk;
  /** Restores the elements from another layout to that of the interface. Absent when they have it: see packHalves.ts. */
  restore?: (() => void) | undefined;
  /** The version whose numbers cannot be packed: see packHalves.ts. */
  unpackable?: number;
}

/** A tensor in the heap. Made by `Runtime` only. */
export class CpuTensor extends DeviceTensor<Storage> {
  /** Byte address of the first element, in the layout of the interface. Ops that take f16 call `unpacked` first. */
  get address(): number {
    if (this.storage.restore) throw new Error("a reader of the interface's layout got packed memory");
    return this.storedAddress;
  }

  /** The tensor itself, after its memory is restored to the layout of the interface. */
  unpacked(): this {
    this.storage.restore?.();
    return this;
  }

  /** Byte address of the first element, whose layout may be a packed one. */
  get storedAddress(): number {
    return this.storage.chunk.address + byteOffset(this.dtype, this.offset);
  }
}
