import type { Op } from "../op.ts";

export const rmsNorm: Op<"rmsNorm"> = (runtime, { rows, features }, x, weight, eps) => {
  const op = "rmsNorm";
  const y = runtime.result(op, x.shape);
  // Four elements per thread.
  const block = Math.min(32 * Math.ceil(features / 128), 1024);
  runtime.launch(op, op, rows, block, [x, weight, y, features, x.rowStride, eps]);
  return y;
};
