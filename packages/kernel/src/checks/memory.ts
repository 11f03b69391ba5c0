import {
  byteOffset,
  type DType,
  elementCount,
  formats,
  formatShape,
  type HostArray,
  hostLength,
  isHostArrayOf,
  isQuantized,
  lastExtent,
  type Shape,
} from "../dtype.ts";
import { KernelError } from "../errors.ts";
import { isDense, type Tensor } from "../tensor.ts";
import { fail } from "./fail.ts";
import { checkInteger } from "./scalars.ts";
import { checkAlive, checkNotQuantized, checkShape } from "./tensors.ts";

/**
 * Checks the type and the shape of a tensor: the storage types of a backend, and rows of whole blocks.
 *
 * @throws KernelError `SHAPE` or `DTYPE`
 */
export function checkStored(op: string, shape: Shape, dtype: DType, storage: ReadonlySet<DType>): void {
  checkShape(op, shape);
  if (!storage.has(dtype)) {
    fail("DTYPE", op, `dtype must be ${[...storage].join(" or ")}, got ${String(dtype)}`);
  }
  const { blockElements } = formats[dtype];
  if (lastExtent(shape) % blockElements !== 0) {
    const found = `got ${formatShape(shape)}`;
    fail("SHAPE", op, `the last extent of ${dtype} must be a multiple of ${blockElements}, ${found}`);
  }
}

/** @throws KernelError `OUT_OF_MEMORY` when a new tensor takes more bytes than the largest tensor of the device */
export function checkBytes(
  op: string,
  shape: Shape,
  dtype: DType,
  bytes: number,
  maxTensorBytes: number,
): void {
  if (bytes <= maxTensorBytes) return;
  const needed = `${formatShape(shape)} ${dtype} takes ${bytes} bytes`;
  const limit = `the largest tensor here is ${maxTensorBytes} bytes`;
  throw new KernelError("OUT_OF_MEMORY", `${op}: ${needed}, ${limit}`);
}

/** @throws KernelError `DTYPE` unless `data` is the array type that holds `dtype` on the host. */
export function checkHostArray(op: string, data: HostArray, dtype: DType): void {
  if (isHostArrayOf(data, dtype)) return;
  const found = (data as HostArray | undefined)?.constructor.name ?? typeof data;
  fail("DTYPE", op, `${dtype} data must be a ${formats[dtype].hostArray.name}, got ${found}`);
}

/** @throws KernelError `DTYPE` or `ARGUMENT` unless `data` has the type and the length of the new tensor. */
export function checkUpload(data: HostArray, shape: Shape, dtype: DType): void {
  checkHostArray("upload", data, dtype);
  const length = hostLength(dtype, elementCount(shape));
  if (data.length !== length) {
    const unit = isQuantized(dtype) ? `bytes of ${dtype}` : "elements";
    fail("ARGUMENT", "upload", `shape ${formatShape(shape)} needs ${length} ${unit}, got ${data.length}`);
  }
}

/** @throws KernelError `DISPOSED`, `DTYPE` or `ARGUMENT` unless columns [start, start + count) lie in the last axis of `x`. */
export function checkColumns(x: Tensor, start: number, count: number): void {
  checkAlive("columns", "x", x);
  checkNotQuantized("columns", "x", x);
  const width = lastExtent(x.shape);
  checkInteger("columns", "start", start, 0, width - 1);
  checkInteger("columns", "count", count, 1, width - start);
}

/**
 * Checks that rows [start, start + count) lie in the first axis of `x`, and that those of a dense 16-bit tensor fill whole
 * words of 4 bytes, which is what devices write.
 *
 * @throws KernelError `DISPOSED`, `DTYPE` or `ARGUMENT`
 */
export function checkRows(x: Tensor, start: number, count: number): void {
  checkAlive("rows", "x", x);
  checkNotQuantized("rows", "x", x);
  const [rows = 1] = x.shape;
  checkInteger("rows", "start", start, 0, rows - 1);
  checkInteger("rows", "count", count, 1, rows - start);
  if (!isDense(x)) return;
  const width = elementCount(x.shape) / rows;
  const [from, to] = [start * width, (start + count) * width];
  const { dtype } = x;
  if (!isWholeWords(dtype, from) || (!isWholeWords(dtype, to) && start + count < rows)) {
    const found = `elements ${from} to ${to} of ${formatShape(x.shape)}`;
    fail("ARGUMENT", "rows", `rows of ${dtype} must begin and end at even elements, got ${found}`);
  }
}

/** True when the elements before `at` fill whole words of 4 bytes. */
export function isWholeWords(dtype: DType, at: number): boolean {
  return byteOffset(dtype, at) % 4 === 0;
}

/** @throws KernelError `DISPOSED`, `DTYPE` or `SHAPE` unless `x` can be viewed in another shape without a copy. */
export function checkReshape(x: Tensor, shape: Shape): void {
  checkAlive("reshape", "x", x);
  if (checkShape("reshape", shape) !== elementCount(x.shape)) {
    const shapes = `${formatShape(x.shape)} as ${formatShape(shape)}`;
    fail("SHAPE", "reshape", `cannot view ${shapes}: element counts differ`);
  }
  const keepsRows = lastExtent(shape) === lastExtent(x.shape);
  if (keepsRows) return;
  const [from, to] = [formatShape(x.shape), formatShape(shape)];
  if (isQuantized(x.dtype)) fail("SHAPE", "reshape", `${x.dtype} ${from} keeps its last axis, got ${to}`);
  if (!isDense(x)) fail("SHAPE", "reshape", `a column view ${from} keeps its last axis, got ${to}`);
}
