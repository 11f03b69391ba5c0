import { block, blocksOf, rowsOf } from "../elementwise.ts";
import type { Op } from "../op.ts";

export const accumulate: Op<"accumulate"> = (runtime, _sizes, target, x, factor = 1) => {
  const op = "accumulate";
  const [rows, width] = rowsOf(x);
  const args = [target, x, rows, width, target.rowStride, x.rowStride, factor];
  runtime.launch(op, op, blocksOf(rows * width), block, args);
};
