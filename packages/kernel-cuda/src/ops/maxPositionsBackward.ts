import { block } from "../elementwise.ts";
import type { Op } from "../op.ts";
import { clear } from "../upload.ts";

export const maxPositionsBackward: Op<"maxPositionsBackward"> = (runtime, sizes, { dy, index }) => {
  const op = "maxPositionsBackward";
  const { batch, length, channels, sequences } = sizes;
  const dx = runtime.result(op, [batch, length, channels]);
  clear(runtime, op, dx);
  const args = [dy, index, dx, sequences, channels, dy.rowStride, batch * length];
  runtime.launch(op, op, Math.ceil((sequences * channels) / block), block, args);
  return dx;
};
