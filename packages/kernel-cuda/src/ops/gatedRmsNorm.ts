import { rowBlock } from "../elementwise.ts";
import type { Op } from "../op.ts";

export const gatedRmsNorm: Op<"gatedRmsNorm"> = (runtime, { rows, features, groups }, args) => {
  const op = "gatedRmsNorm";
  const { x, z, weight, eps, normBeforeGate = false } = args;
  const y = runtime.result(op, x.shape);
  const width = features / groups;
  const words = Uint32Array.of(groups, width, x.rowStride, z.rowStride, normBeforeGate ? 1 : 0);
  runtime.launch(op, op, rows * groups, rowBlock(width, 1024), [x, z, weight, y, words, eps]);
  return y;
};
