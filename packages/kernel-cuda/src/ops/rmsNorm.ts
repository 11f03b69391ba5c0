import { rowBlock } from "../elementwise.ts";
import type { Op } from "../op.ts";

export const rmsNorm: Op<"rmsNorm"> = (runtime, { rows, features }, x, weight, eps) => {
  const op = "rmsNorm";
  const y = runtime.result(op, x.shape);
  runtime.launch(op, op, rows, rowBlock(features, 1024), [x, weight, y, features, x.rowStride, eps]);
  return y;
};
