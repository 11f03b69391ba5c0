import type { Op } from "../op.ts";
import { poolBlock, poolColumns } from "./meanPositions.ts";

export const maxPositions: Op<"maxPositions"> = (runtime, sizes, { x, sequenceIds, ranges }) => {
  const op = "maxPositions";
  const { batch, length, channels, sequences } = sizes;
  const y = runtime.result(op, [sequences, channels]);
  const index = runtime.result(op, [sequences, channels], "i32");
  const args = [x, sequenceIds, ranges, y, index, batch * length, length, channels, x.rowStride];
  runtime.launch(op, op, sequences * Math.ceil(channels / poolColumns), poolBlock, args);
  return { y, index };
};
