import { block, blocksOf } from "../elementwise.ts";
import type { Op } from "../op.ts";

export const meanPositionsBackward: Op<"meanPositionsBackward"> = (runtime, sizes, args) => {
  const op = "meanPositionsBackward";
  const { batch, length, channels, sequences } = sizes;
  const { dy, sequenceIds, ranges } = args;
  const dx = runtime.result(op, [batch, length, channels]);
  const positions = batch * length;
  const counted = ranges && runtime.result(op, [sequences]);
  if (counted) {
    const countArgs = [sequenceIds, ranges, counted, positions, length];
    runtime.launch(op, "meanPositionsCount", sequences, block, countArgs);
  }
  const extents = [positions, length, channels, sequences, dy.rowStride];
  runtime.launch(op, op, blocksOf(positions * channels), block, [
    ...[dy, sequenceIds, ranges, counted, dx],
    ...extents,
  ]);
  counted?.dispose();
  return dx;
};
