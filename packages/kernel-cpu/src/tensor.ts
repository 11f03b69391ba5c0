import { byteOffset, KernelError } from "@mamba/kernel";
import { DeviceTensor, type SharedMemory } from "@mamba/kernel/author";
import type { Chunk } from "./allocator.ts";
import type { Instance } from "./instance.ts";

/** Memory that a tensor shares with its views: a chunk of a heap. */
export interface Storage extends SharedMemory {
  /** The instance in whose heap the chunk lies. */
  readonly instance: Instance;
  readonly chunk: Chunk;
  /** Restores the elements from another layout to that of the interface. Absent when they have it: see packHalves.ts. */
  restore?: (() => void) | undefined;
  /** The version whose numbers cannot be packed: see packHalves.ts. */
  unpackable?: number;
  /** True when `Instance.weightBytes` counts it. */
  readonly isWeight?: boolean;
}

/** A tensor in a heap. Made by `Runtime` only. */
export class CpuTensor extends DeviceTensor<Storage> {
  /** The tensor itself, after packed memory is restored: see packHalves.ts. Needed before any use but as a packed weight. */
  unpacked(): this {
    this.storage.restore?.();
    return this;
  }

  /** Byte address of the first element in the memory of its instance. */
  get localAddress(): number {
    return this.storage.chunk.address + byteOffset(this.dtype, this.offset);
  }

  /**
   * Byte address of the first element in the main memory.
   *
   * @throws KernelError `UNSUPPORTED` for a tensor in another memory
   */
  get address(): number {
    if (this.storage.instance.number === 0) return this.localAddress;
    const what = `a matrix [${this.shape.join(", ")}] lies beyond the first 4 GiB of memory`;
    const remedy = "use a smaller model, or another backend";
    throw new KernelError(
      "UNSUPPORTED",
      `${what}, where it can be a weight, but no operand of other ops; ${remedy}`,
    );
  }
}
