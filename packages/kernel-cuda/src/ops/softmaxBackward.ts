import { rowBlock } from "../elementwise.ts";
import type { Op } from "../op.ts";

export const softmaxBackward: Op<"softmaxBackward"> = (runtime, { rows, features }, dy, y) => {
  const op = "softmaxBackward";
  const dx = runtime.result(op, y.shape);
  const args = [dy, y, dx, features, dy.rowStride, y.rowStride];
  runtime.launch(op, op, rows, rowBlock(features, 1024), args);
  return dx;
};
