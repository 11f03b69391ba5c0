import { type DType, lastExtent, type Shape } from "./dtype.ts";

/**
 * A handle on device memory. Several handles may share the memory (views); the memory is freed when the last of them is
 * disposed, so a view stays valid after the tensor it was taken from is disposed.
 *
 * A column view covers some columns of a wider row: its rows start `rowStride` elements apart, with
 * `rowStride > shape.at(-1)`. A tensor with `rowStride === shape.at(-1)` is dense.
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
  /** Frees the handle. Idempotent, and ordered after every op already enqueued that reads or writes the tensor. */
  dispose(): void;
}

/** Intermediate results that a forward op keeps for its backward. Only the backend reads them. */
export interface Residual extends Disposable {
  readonly disposed: boolean;
  dispose(): void;
}

/** True when the rows follow each other without gaps. */
export function isDense(x: Tensor): boolean {
  return x.rowStride === lastExtent(x.shape);
}
