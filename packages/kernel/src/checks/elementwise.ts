import { elementCount, formatShape } from "../dtype.ts";
import type { Tensor } from "../tensor.ts";
import { fail } from "./fail.ts";
import { checkDense, checkF32, checkSameShape } from "./tensors.ts";

/** @throws KernelError `DISPOSED`, `DTYPE` or `SHAPE` unless `x` and `y` are f32 of one shape. */
export function checkBinary(op: string, nameX: string, x: Tensor, nameY: string, y: Tensor): void {
  checkF32(op, nameX, x);
  checkF32(op, nameY, y);
  checkSameShape(op, nameY, y, nameX, x);
}

/**
 * Checks the operands of an elementwise op whose second operand may be repeated over the leading axes of the first one.
 * `period` is the number of elements of `b`: element i of `a` meets element i % period of `b`. Without repetition it is that
 * of `a`, and `b` may be a column view; with it, `b` is dense.
 *
 * @throws KernelError `DISPOSED`, `DTYPE` or `SHAPE` unless both are f32 and `b` has the shape of `a` or of its last axes
 */
export function checkBroadcast(op: string, a: Tensor, b: Tensor): { period: number } {
  checkF32(op, "a", a);
  checkF32(op, "b", b);
  const leading = a.shape.length - b.shape.length;
  if (leading < 0 || b.shape.length === 0 || b.shape.some((extent, i) => extent !== a.shape[leading + i])) {
    const expected = `the shape of a, ${formatShape(a.shape)}, or of its last axes`;
    fail("SHAPE", op, `b must have ${expected}, got ${formatShape(b.shape)}`);
  }
  if (leading > 0) checkDense(op, "b", b);
  return { period: elementCount(b.shape) };
}
