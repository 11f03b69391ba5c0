import type { Op } from "../op.ts";
import { positions } from "./meanPositions.ts";

export const maxPositions: Op<"maxPositions"> = (runtime, sizes, args) => {
  const op = "maxPositions";
  const { x } = args;
  const shape = [sizes.sequences, sizes.channels];
  const y = runtime.result(op, shape);
  const index = runtime.result(op, shape, "i32");
  const poolingArgs = { positions: positions(args, sizes), x, y, xStride: x.rowStride };
  runtime.run(op, { poolingArgs, index }, 0.6 * sizes.batch * sizes.length * sizes.channels);
  return { y, index };
};
