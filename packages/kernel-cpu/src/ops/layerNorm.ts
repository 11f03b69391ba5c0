import type { Op } from "../op.ts";

export const layerNorm: Op<"layerNorm"> = (runtime, { rows, features }, x, weight, bias, eps) => {
  const y = runtime.result("layerNorm", x.shape);
  const record = { x, weight, bias, y, rows, features, xStride: x.rowStride, eps };
  runtime.run("layerNorm", record, 0.8 * rows * features);
  return y;
};
