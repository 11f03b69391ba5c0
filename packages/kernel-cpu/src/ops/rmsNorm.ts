import type { Op } from "../op.ts";

export const rmsNorm: Op<"rmsNorm"> = (runtime, { rows, features }, x, weight, eps) => {
  const y = runtime.result("rmsNorm", x.shape);
  const record = { x, weight, y, rows, features, xStride: x.rowStride, eps };
  runtime.run("rmsNorm", record, 0.6 * rows * features);
  return y;
};
