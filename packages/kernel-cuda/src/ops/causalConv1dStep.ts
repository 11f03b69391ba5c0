import type { Op } from "../op.ts";

const block = 64;

export const causalConv1dStep: Op<"causalConv1dStep"> = (runtime, sizes, state, conv) => {
  const op = "causalConv1dStep";
  const { batch, channels, width } = sizes;
  const { x, weight, bias, activation } = conv;
  const y = runtime.result(op, x.shape);
  const scalars = [channels, width, x.rowStride, activation === "silu"];
  const grid = batch * Math.ceil(channels / block);
  runtime.launch(op, op, grid, block, [x, weight, bias, state, y, ...scalars]);
  return y;
};
