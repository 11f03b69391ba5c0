import { formatShape, lastExtent } from "../dtype.ts";
import type { Tensor } from "../tensor.ts";
import { fail } from "./fail.ts";
import { checkInteger } from "./scalars.ts";

/**
 * Returns the width of one of `count` equal column ranges of the last axis.
 *
 * @throws KernelError `SHAPE` unless `count` divides the last extent
 */
export function headWidth(op: string, name: string, tensor: Tensor, counter: string, count: number): number {
  const width = lastExtent(tensor.shape) / count;
  if (!Number.isInteger(width)) {
    const found = formatShape(tensor.shape);
    fail("SHAPE", op, `the last extent of ${name} must be a multiple of ${counter} = ${count}, got ${found}`);
  }
  return width;
}

/** @throws KernelError `ARGUMENT` unless both are whole numbers >= 1 and `groups` divides `heads` */
export function checkHeads(op: string, heads: number, name: string, groups: number): void {
  checkInteger(op, "heads", heads, 1, 2 ** 31 - 1);
  checkInteger(op, name, groups, 1, heads);
  if (heads % groups !== 0) fail("ARGUMENT", op, `${name} must divide heads = ${heads}, got ${groups}`);
}
