import type { Op } from "../op.ts";

export const causalConv1dStep: Op<"causalConv1dStep"> = (runtime, sizes, state, args) => {
  const op = "causalConv1dStep";
  const { batch, channels, width } = sizes;
  const { x, weight, bias, activation } = args;
  const y = runtime.result(op, x.shape);
  runtime.run(
    op,
    { x, weight, bias, state, y, batch, channels, width, xStride: x.rowStride, silu: activation === "silu" },
    (2 + 1.5 * width) * batch * channels,
  );
  return y;
};
