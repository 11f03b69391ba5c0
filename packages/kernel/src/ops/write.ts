import { fail } from "../checks/fail.ts";
import { checkHostArray, isWholeWords } from "../checks/memory.ts";
import { checkInteger } from "../checks/scalars.ts";
import { checkAlive, checkDense } from "../checks/tensors.ts";
import { elementCount, formatShape, type HostArray, hostLength, isQuantized, lastExtent } from "../dtype.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";

export interface WriteOp {
  /**
   * Copies `data` over the elements of the dense `target` from element `start` on, counted row-major, in call order with the
   * ops. A large tensor is filled chunk by chunk this way, so that the host never holds all of it.
   *
   * Devices copy words of 4 bytes: with 16-bit storage `start` must be even, and so must the length unless the chunk ends
   * the tensor. With quantised storage `data` holds the blocks of whole rows (last axis), and `start` is the first element of a
   * row. Errors: `ARGUMENT` (range), `DTYPE`, `SHAPE` (column view).
   */
  write(target: Tensor, start: number, data: HostArray): void;
}

export const write = {
  parameters: ["target", "start", "data"],
  check(target, start, data) {
    checkAlive("write", "target", target);
    checkHostArray("write", data, target.dtype);
    checkDense("write", "target", target);
    const count = elementCount(target.shape);
    checkInteger("write", "start", start, 0, count);
    const end = start + (isQuantized(target.dtype) ? rowElements(target, start, data) : data.length);
    if (end > count) {
      fail("ARGUMENT", "write", `elements ${start} to ${end} do not fit into ${formatShape(target.shape)}`);
    }
    if (isQuantized(target.dtype)) return;
    if (!isWholeWords(target.dtype, start) || (!isWholeWords(target.dtype, end) && end !== count)) {
      const chunk = `elements ${start} to ${end} of ${count}`;
      fail("ARGUMENT", "write", `${target.dtype} chunks begin and end at even elements, got ${chunk}`);
    }
  },
  writes: (target) => [target],
} satisfies OpDefinition<WriteOp["write"]>;

/** Returns the elements that blocks of whole rows hold. @throws KernelError `ARGUMENT` unless they are whole rows from a row on */
function rowElements({ dtype, shape }: Tensor, start: number, blocks: HostArray): number {
  const columns = lastExtent(shape);
  const rowBytes = hostLength(dtype, columns);
  if (start % columns !== 0 || blocks.length % rowBytes !== 0) {
    const found = `${blocks.length} bytes at element ${start}`;
    const row = `of ${columns} elements in ${rowBytes} bytes`;
    fail("ARGUMENT", "write", `${dtype} chunks are whole rows ${row}, got ${found}`);
  }
  return (blocks.length / rowBytes) * columns;
}
