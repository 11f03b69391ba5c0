import type { Op } from "../op.ts";
import { addRows } from "./sumRows.ts";

export const discretizeBackward: Op<"discretizeBackward"> = (runtime, sizes, dy, { dt, bias, A }) => {
  const op = "discretizeBackward";
  const { rows, heads, min: low, max: high } = sizes;
  const ddt = runtime.result(op, dt.shape);
  const dA = runtime.result(op, [heads]);
  const dBias = bias && runtime.result(op, [heads]);
  const terms = runtime.temporary(op, rows * heads * 4);
  try {
    const strides = { dyStride: dy.rowStride, dtStride: dt.rowStride };
    const record = { dy, dt, bias, A, ddt, terms, rows, heads, low, high, ...strides };
    runtime.run(op, record, 6 * rows * heads);
    addRows(runtime, terms, dA, rows, heads, heads);
    if (dBias) addRows(runtime, ddt, dBias, rows, heads, heads);
  } finally {
    runtime.heap.free(terms);
  }
  return { dt: ddt, A: dA, ...(dBias && { bias: dBias }) };
};
