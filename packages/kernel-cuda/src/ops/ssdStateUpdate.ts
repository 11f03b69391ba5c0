import type { Op } from "../op.ts";

const block = 128;
/** Rows of the state per block: eight threads go over one row. */
const blockRows = block / 8;

export const ssdStateUpdate: Op<"ssdStateUpdate"> = (runtime, sizes, state, args) => {
  const op = "ssdStateUpdate";
  const { batch, heads, headDim, groups, stateSize } = sizes;
  const { x, B, C, logDecay, weight, D } = args;
  const y = runtime.result(op, x.shape);
  const rows = batch * heads * headDim;
  const strides = [x, B, C, logDecay, weight].map(({ rowStride }) => rowStride);
  const scalars = [rows, heads, headDim, groups, stateSize, ...strides];
  const tensors = [x, B, C, logDecay, weight, D, state, y];
  runtime.launch(op, op, Math.ceil(rows / blockRows), block, [...tensors, ...scalars]);
  return y;
};
