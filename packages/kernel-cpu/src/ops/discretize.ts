import type { Op } from "../op.ts";

export const discretize: Op<"discretize"> = (runtime, { rows, heads, min, max, shape }, { dt, bias, A }) => {
  const y = runtime.result("discretize", shape);
  const record = { dt, bias, A, y, rows, heads, dtStride: dt.rowStride, low: min, high: max };
  runtime.run("discretize", record, 3 * rows * heads);
  return y;
};
