import type { Op } from "../op.ts";

export const maxPositionsBackward: Op<"maxPositionsBackward"> = (runtime, sizes, { dy, index }) => {
  const op = "maxPositionsBackward";
  const { batch, length, channels, sequences } = sizes;
  const dx = runtime.result(op, [batch, length, channels]);
  const positions = batch * length;
  const record = { dy, index, dx, positions, channels, sequences, dyStride: dy.rowStride };
  runtime.run("maxPositionsZero", record, 0.2 * positions * channels);
  runtime.run(op, record, 2 * sequences * channels);
  return dx;
};
