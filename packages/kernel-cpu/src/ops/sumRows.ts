import type { Op } from "../op.ts";
import type { Pointer } from "../records.ts";
import type { Runtime } from "../runtime.ts";

export const sumRows: Op<"sumRows"> = (runtime, { rows, features }, dy) => {
  const y = runtime.result("sumRows", [features]);
  addRows(runtime, dy, y, rows, features, dy.rowStride);
  return y;
};

/** y [features] = the sum of `rows` rows of `x`, `xStride` elements apart, in ascending order. */
export function addRows(
  runtime: Runtime,
  x: Pointer,
  y: Pointer,
  rows: number,
  features: number,
  xStride: number,
): void {
  runtime.run("sumRows", { x, y, rows, features, xStride }, 0.3 * rows * features);
}
