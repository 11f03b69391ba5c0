import { rowBlock } from "../elementwise.ts";
import type { Op } from "../op.ts";
import { addRows } from "./sumRows.ts";

/** Threads per block of rmsNormBackwardWeight, one for each feature. */
const weightBlock = 128;
/** Rows that one of its threads sums. */
const chunkRows = 64;

export const rmsNormBackward: Op<"rmsNormBackward"> = (runtime, sizes, dy, x, weight, eps) => {
  const op = "rmsNormBackward";
  const { rows, features } = sizes;
  const dx = runtime.result(op, x.shape);
  const scales = weight && runtime.result(op, [rows]);
  const strides = [dy.rowStride, x.rowStride];
  const args = [dy, x, weight, dx, scales, features, ...strides, eps];
  runtime.launch(op, op, rows, rowBlock(features, 512), args);
  if (!scales) return { dx };
  const dWeight = runtime.result(op, [features]);
  const chunks = Math.ceil(rows / chunkRows);
  const sums = runtime.result(op, [chunks, features]);
  const blocks = chunks * Math.ceil(features / weightBlock);
  const weightArgs = [dy, x, scales, sums, rows, features, ...strides, chunkRows];
  runtime.launch(op, "rmsNormBackwardWeight", blocks, weightBlock, weightArgs);
  addRows(runtime, op, sums, chunks, features, dWeight);
  sums.dispose();
  scales.dispose();
  return { dx, dWeight };
};
