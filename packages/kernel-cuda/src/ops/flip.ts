import { copyBlocks, unitsOf } from "../copyRows.ts";
import { block } from "../elementwise.ts";
import type { Op } from "../op.ts";

export const flip: Op<"flip"> = (runtime, { batch, length }, x) => {
  const op = "flip";
  const y = runtime.result(op, x.shape);
  const rows = batch * length;
  const { unit, width, stride } = unitsOf(x);
  runtime.launch(op, op, copyBlocks(rows, width), block, [x, y, rows, width, stride, unit, length]);
  return y;
};
