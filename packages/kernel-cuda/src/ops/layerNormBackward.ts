import { rowBlock } from "../elementwise.ts";
import type { Op } from "../op.ts";
import { addRows } from "./sumRows.ts";

/** Threads per block of layerNormBackwardWeight, one for each feature. */
const weightBlock = 128;
/** Rows that one of its threads sums. */
const chunkRows = 64;

export const layerNormBackward: Op<"layerNormBackward"> = (runtime, sizes, dy, x, weight, bias, eps) => {
  const op = "layerNormBackward";
  const { rows, features } = sizes;
  const dx = runtime.result(op, x.shape);
  const statistics = weight && runtime.result(op, [rows, 3]);
  const strides = [dy.rowStride, x.rowStride];
  const args = [dy, x, weight, dx, statistics, features, ...strides, eps];
  runtime.launch(op, op, rows, rowBlock(features, 512), args);
  const dBias = bias && runtime.result(op, [features]);
  if (dBias) addRows(runtime, op, dy, rows, features, dBias);
  const gradients = dBias ? { dx, dBias } : { dx };
  if (!statistics) return gradients;
  const dWeight = runtime.result(op, [features]);
  const chunks = Math.ceil(rows / chunkRows);
  const sums = runtime.result(op, [chunks, features]);
  const blocks = chunks * Math.ceil(features / weightBlock);
  const weightArgs = [dy, x, statistics, sums, rows, features, ...strides, chunkRows];
  runtime.launch(op, "layerNormBackwardWeight", blocks, weightBlock, weightArgs);
  addRows(runtime, op, sums, chunks, features, dWeight);
  sums.dispose();
  statistics.dispose();
  return { ...gradients, dWeight };
};
