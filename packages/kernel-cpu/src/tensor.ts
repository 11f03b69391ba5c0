import type { DType, Shape, Tensor } from "@mamba/kernel";
import type { Block } from "./allocator.ts";
import type { Runtime } from "./runtime.ts";

/** Memory shared by a tensor and its views; freed with the last of them. */
export interface Storage {
  readonly block: Block;
  readonly bytes: number;
  handles: number;
}

/** A handle on a piece of the heap. Made by `Runtime` only. */
export class CpuTensor implements Tensor {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly rowStride: number;
  /** Byte address of the first element. */
  readonly address: number;
  readonly runtime: Runtime;
  readonly storage: Storage;
  #disposed = false;

  constructor(
    runtime: Runtime,
    storage: Storage,
    dtype: DType,
    shape: Shape,
    rowStride: number,
    address: number,
  ) {
    this.runtime = runtime;
    this.storage = storage;
    this.dtype = dtype;
    this.shape = shape;
    this.rowStride = rowStride;
    this.address = address;
  }

  get disposed(): boolean {
    return this.#disposed;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.runtime.release(this.storage);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
