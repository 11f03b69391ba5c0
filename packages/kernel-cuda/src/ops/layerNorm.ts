import { rowBlock } from "../elementwise.ts";
import type { Op } from "../op.ts";

export const layerNorm: Op<"layerNorm"> = (runtime, { rows, features }, x, weight, bias, eps) => {
  const op = "layerNorm";
  const y = runtime.result(op, x.shape);
  const args = [x, weight, bias, y, features, x.rowStride, eps];
  runtime.launch(op, op, rows, rowBlock(features, 1024), args);
  return y;
};
