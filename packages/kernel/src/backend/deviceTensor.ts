import type { DType, Shape } from "../dtype.ts";
import type { Tensor } from "../tensor.ts";

/** Memory that a tensor shares with its views; freed when the last of them is disposed. */
export interface SharedMemory {
  /** Bytes that the tensor takes on the device: `KernelMemory.storedBytes`. */
  readonly bytes: number;
  /** Tensors on the memory that are not disposed yet. */
  handles: number;
  /** In-place writes so far: see `Tensor.version`. Raised by `OpsKernel`, before the op that writes. */
  version: number;
  /** True for memory of the kernel itself, which `Kernel.memory` does not count. Default false. */
  readonly hidden?: boolean;
}

/** A backend's tensor: a handle on a range of shared memory. Made by a `TensorOwner` only. */
export class DeviceTensor<S extends SharedMemory = SharedMemory> implements Tensor {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly rowStride: number;
  /** Elements of the memory before the first element of the tensor. */
  readonly offset: number;
  readonly storage: S;
  readonly owner: { release(storage: S): void };
  #disposed = false;

  constructor(
    owner: { release(storage: S): void },
    storage: S,
    dtype: DType,
    shape: Shape,
    rowStride: number,
    offset: number,
  ) {
    this.owner = owner;
    this.storage = storage;
    this.dtype = dtype;
    this.shape = shape;
    this.rowStride = rowStride;
    this.offset = offset;
  }

  get version(): number {
    return this.storage.version;
  }

  get disposed(): boolean {
    return this.#disposed;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.owner.release(this.storage);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
