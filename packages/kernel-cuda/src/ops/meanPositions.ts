import type { Op } from "../op.ts";

/** Columns and threads per block of the GPU kernels that pool. */
export const [poolColumns, poolBlock] = [32, 512];

export const meanPositions: Op<"meanPositions"> = (runtime, sizes, { x, sequenceIds, ranges }) => {
  const op = "meanPositions";
  const { batch, length, channels, sequences } = sizes;
  const y = runtime.result(op, [sequences, channels]);
  const args = [x, sequenceIds, ranges, y, batch * length, length, channels, x.rowStride];
  runtime.launch(op, op, sequences * Math.ceil(channels / poolColumns), poolBlock, args);
  return y;
};
