import { rowBlock } from "../elementwise.ts";
import type { Op } from "../op.ts";
import { addRows } from "./sumRows.ts";

/** Threads per block of gatedRmsNormBackwardWeight, one for each column. */
const weightBlock = 128;
/** Rows that one of its threads sums. */
const chunkRows = 64;

export const gatedRmsNormBackward: Op<"gatedRmsNormBackward"> = (runtime, sizes, dy, args) => {
  const op = "gatedRmsNormBackward";
  const { rows, features, groups } = sizes;
  const { x, z, weight, eps, normBeforeGate = false } = args;
  const width = features / groups;
  const [dx, dz] = [runtime.result(op, x.shape), runtime.result(op, x.shape)];
  const dWeight = runtime.result(op, [features]);
  const scales = runtime.result(op, [rows, groups]);
  const words = Uint32Array.of(groups, width, x.rowStride, z.rowStride, normBeforeGate ? 1 : 0);
  const given = [dy, x, z, weight, dx, dz, scales, words, dy.rowStride, eps];
  runtime.launch(op, op, rows * groups, rowBlock(width, 512), given);
  const chunks = Math.ceil(rows / chunkRows);
  const sums = runtime.result(op, [chunks, features]);
  const blocks = chunks * Math.ceil(features / weightBlock);
  const weightArgs = [dy, x, z, scales, sums, rows, words, dy.rowStride, chunkRows];
  runtime.launch(op, "gatedRmsNormBackwardWeight", blocks, weightBlock, weightArgs);
  addRows(runtime, op, sums, chunks, features, dWeight);
  sums.dispose();
  scales.dispose();
  return { x: dx, z: dz, weight: dWeight };
};
