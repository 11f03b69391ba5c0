import { addPartials } from "../addPartials.ts";
import type { Op } from "../op.ts";
import type { Runtime } from "../runtime.ts";
import type { CudaTensor } from "../tensor.ts";

export const sumRows: Op<"sumRows"> = (runtime, { rows, features }, dy) => {
  const sum = runtime.result("sumRows", [features]);
  addRows(runtime, "sumRows", dy, rows, features, sum);
  return sum;
};

/** Blocks of threads that fill a large GPU. Constant, so that the order of a sum does not depend on the device. */
const enoughBlocks = 528;
/** The least rows per chunk: with fewer, the second stage costs more than it saves. */
const fewestRows = 128;
/** Columns per block. */
const blockColumns = 32;

/**
 * Overwrites `sum` [width] with the sum of the rows of `x` [rows, width]. The order of the additions depends on the sizes
 * alone.
 */
export function addRows(
  runtime: Runtime,
  op: string,
  x: CudaTensor,
  rows: number,
  width: number,
  sum: CudaTensor,
): void {
  const columnBlocks = Math.ceil(width / blockColumns);
  const most = Math.min(Math.ceil(enoughBlocks / columnBlocks), Math.floor(rows / fewestRows));
  const chunkRows = Math.ceil(rows / Math.max(1, most));
  const chunks = Math.ceil(rows / chunkRows);
  const partial = chunks > 1 ? runtime.result(op, [chunks, width]) : sum;
  const args = [x, partial, rows, width, x.rowStride, chunkRows];
  runtime.launch(op, "sumRows", [columnBlocks, chunks], 256, args);
  if (partial === sum) return;
  addPartials(runtime, op, partial, sum, { count: width, chunks });
  partial.dispose();
}
