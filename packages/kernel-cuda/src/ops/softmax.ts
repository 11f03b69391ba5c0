import { rowBlock } from "../elementwise.ts";
import type { Op } from "../op.ts";

export const softmax: Op<"softmax"> = (runtime, { rows, features }, x) => {
  const op = "softmax";
  const y = runtime.result(op, x.shape);
  runtime.launch(op, op, rows, rowBlock(features, 1024), [x, y, features, x.rowStride]);
  return y;
};
