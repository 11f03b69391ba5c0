import { byteLength } from "@mamba/kernel";
import type { Op } from "../op.ts";

export const linear: Op<"linear"> = (runtime, sizes, x, weight, bias) => {
  const { rows, inFeatures, outFeatures, shape } = sizes;
  const y = runtime.result("linear", shape);
  const { dtype: weightType } = weight;
  const record = { x, weight, bias, y, rows, inFeatures, outFeatures, xStride: x.rowStride, weightType };
  // The larger of 16 bytes and 36 floating-point operations per nanosecond.
  const [reading, computing] = [
    byteLength(weightType, weight.shape) / 16,
    (rows * inFeatures * outFeatures) / 18,
  ];
  runtime.run("linear", record, Math.max(reading, computing));
  return y;
};
