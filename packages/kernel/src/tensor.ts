import type { DType, Shape } from "./dtype.ts";

/**
 * A handle on device memory with one owner. Several handles may share the memory (views); it is freed when the last
 * of them is disposed, so a view stays valid after the tensor it was taken from is gone.
 *
 * Only the last axis may be a window: rows then start `rowStride` elements apart, with `rowStride >= shape.at(-1)`.
 * A tensor with `rowStride === shape.at(-1)` is called dense.
 */
export interface Tensor extends Disposable {
  readonly dtype: DType;
  readonly shape: Shape;
  /** Elements from the start of one row (last axis) to the start of the next. */
  readonly rowStride: number;
  readonly disposed: boolean;
  /**
   * Number of in-place writes to the memory so far, by any op and through any handle. A result that was computed from
   * the tensor is valid while the number stays the same.
   */
  readonly version: number;
  /** Gives the handle up. Idempotent, and ordered after every op already enqueued that reads or writes it. */
  dispose(): void;
}

/** What a forward op kept for its backward; its content is the backend's business. */
export interface Residual extends Disposable {
  readonly disposed: boolean;
  dispose(): void;
}

/** True when rows follow each other without gaps. */
export function isDense(x: Tensor): boolean {
  return x.rowStride === x.shape[x.shape.length - 1];
}
