import type { Op } from "../op.ts";
import { positions } from "./meanPositions.ts";

export const meanPositionsBackward: Op<"meanPositionsBackward"> = (runtime, sizes, args) => {
  const op = "meanPositionsBackward";
  const { batch, length, channels, sequences } = sizes;
  const { dy } = args;
  const dx = runtime.result(op, [batch, length, channels]);
  const counts = runtime.temporary(op, sequences * 4);
  try {
    const record = { positions: positions(args, sizes), dy, dx, counts, dyStride: dy.rowStride };
    runtime.run("meanPositionsCount", record, args.sequenceIds ? batch * length : sequences);
    runtime.run(op, record, 0.4 * batch * length * channels);
  } finally {
    runtime.heap.free(counts);
  }
  return dx;
};
