import type { Op } from "../op.ts";
import type { Runtime } from "../runtime.ts";
import { addressOf } from "../tensor.ts";

export const sumRows: Op<"sumRows"> = (runtime, { rows, features }, dy) => {
  const from = addressOf(dy);
  const y = runtime.result("sumRows", [features]);
  addRows(runtime, from, rows, features, dy.rowStride, y.address);
  return y;
};

/** to [features] = the sum of `rows` rows at `from`, `stride` elements apart, in ascending order: a step of an op. */
export function addRows(
  runtime: Runtime,
  from: number,
  rows: number,
  features: number,
  stride: number,
  to: number,
): void {
  const { args } = runtime;
  args[0] = from;
  args[3] = to;
  args[4] = rows;
  args[5] = features;
  args[6] = stride;
  runtime.run("sumRows", 0.3 * rows * features);
}
