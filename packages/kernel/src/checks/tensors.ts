import {
  elementCount,
  type FloatDType,
  formatShape,
  isQuantized,
  lastExtent,
  quantizedTypes,
  type Shape,
  type WeightDType,
} from "../dtype.ts";
import { KernelError } from "../errors.ts";
import { isDense, type Tensor } from "../tensor.ts";
import { fail } from "./fail.ts";

const floats: readonly FloatDType[] = ["f32", "f16", "bf16"];

/** Storage types of weights. */
export const weights: readonly WeightDType[] = [...floats, ...quantizedTypes];

/** @throws KernelError `DISPOSED` when the tensor was disposed. */
export function checkAlive(op: string, name: string, tensor: Tensor): void {
  if (tensor.disposed) throw new KernelError("DISPOSED", `${op}: ${name} was disposed before this call`);
}

/** @throws KernelError `DISPOSED`, or `DTYPE` unless the tensor is f32. */
export function checkF32(op: string, name: string, tensor: Tensor): void {
  checkAlive(op, name, tensor);
  if (tensor.dtype !== "f32") fail("DTYPE", op, `${name} must be f32, got ${tensor.dtype}`);
}

/** @throws KernelError `DISPOSED`, `DTYPE` or `SHAPE` unless `ids` is dense i32. */
export function checkIds(op: string, ids: Tensor): void {
  checkAlive(op, "ids", ids);
  if (ids.dtype !== "i32") fail("DTYPE", op, `ids must be i32, got ${ids.dtype}`);
  checkDense(op, "ids", ids);
}

/** @throws KernelError `DTYPE` when the tensor is quantised. */
export function checkNotQuantized(op: string, name: string, { dtype }: Tensor): void {
  if (isQuantized(dtype)) fail("DTYPE", op, `${name} must be f32, f16, bf16 or i32, got ${dtype}`);
}

/** @throws KernelError `SHAPE` when the tensor is a column view. */
export function checkDense(op: string, name: string, tensor: Tensor): void {
  if (!isDense(tensor)) fail("SHAPE", op, `${name} must be dense, got a column view`);
}

/** @throws KernelError `SHAPE` unless `x` has the shape of `y`; `like` is the name of `y`. */
export function checkSameShape(op: string, name: string, x: Tensor, like: string, y: Tensor): void {
  if (x.shape.length !== y.shape.length || x.shape.some((extent, i) => extent !== y.shape[i])) {
    fail("SHAPE", op, `${name} must be ${formatShape(y.shape)} like ${like}, got ${formatShape(x.shape)}`);
  }
}

/**
 * Checks extents: at least one axis, each a whole number >= 1. Returns the element count.
 *
 * @throws KernelError `SHAPE`
 */
export function checkShape(op: string, shape: Shape): number {
  if (shape.length === 0) fail("SHAPE", op, "shape must have at least one axis, got []");
  for (const extent of shape) {
    if (!Number.isSafeInteger(extent) || extent < 1) {
      fail("SHAPE", op, `every extent must be a whole number >= 1, got ${formatShape(shape)}`);
    }
  }
  return elementCount(shape);
}

/** Number of rows (last axis) of a tensor. */
export function rowCount(x: Tensor): number {
  return elementCount(x.shape) / lastExtent(x.shape);
}
