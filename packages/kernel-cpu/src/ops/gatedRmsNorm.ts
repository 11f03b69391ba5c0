import type { Op } from "../op.ts";

export const gatedRmsNorm: Op<"gatedRmsNorm"> = (runtime, { rows, features, groups }, args) => {
  const { x, z, weight, eps, normBeforeGate = false } = args;
  const y = runtime.result("gatedRmsNorm", x.shape);
  const strides = { xStride: x.rowStride, zStride: z.rowStride };
  const record = { x, z, weight, y, rows, features, groups, eps, normBeforeGate, ...strides };
  runtime.run("gatedRmsNorm", record, 1.8 * rows * features);
  return y;
};
