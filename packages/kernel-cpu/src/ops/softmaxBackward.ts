import type { Op } from "../op.ts";

export const softmaxBackward: Op<"softmaxBackward"> = (runtime, { rows, features }, dy, y) => {
  const dx = runtime.result("softmaxBackward", dy.shape);
  const record = { dy, y, dx, rows, features, dyStride: dy.rowStride, yStride: y.rowStride };
  runtime.run("softmaxBackward", record, 0.8 * rows * features);
  return dx;
};
