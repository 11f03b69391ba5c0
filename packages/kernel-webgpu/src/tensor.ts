import type { DType, KernelError, Shape, Tensor } from "@mamba/kernel";
import type { PooledBuffer } from "./pool.ts";
import type { Runtime } from "./runtime.ts";

/** Memory shared by a tensor and its views; back to the pool with the last of them. */
export interface Storage {
  readonly buffer: PooledBuffer;
  /** What the elements take, without the rounding of the pool. */
  readonly bytes: number;
  handles: number;
  /** Whether it is the caller's, and so in what `memory` says. */
  readonly counted: boolean;
  /** Counts the ops that wrote here: what was derived from the content is stale when it moves. */
  version: number;
  /** Why the content is missing: the work that should have written it failed. */
  fault: KernelError | undefined;
}

/** A handle on a piece of a buffer. Made by `Runtime` only. */
export class WebGpuTensor implements Tensor {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly rowStride: number;
  /** Elements before the first. */
  readonly offset: number;
  readonly runtime: Runtime;
  readonly storage: Storage;
  #disposed = false;

  constructor(
    runtime: Runtime,
    storage: Storage,
    dtype: DType,
    shape: Shape,
    rowStride: number,
    offset: number,
  ) {
    this.runtime = runtime;
    this.storage = storage;
    this.dtype = dtype;
    this.shape = shape;
    this.rowStride = rowStride;
    this.offset = offset;
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
