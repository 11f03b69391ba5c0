import { byteLength } from "@mamba/kernel";
import type { Op } from "../op.ts";
import { storedWeight } from "../packHalves.ts";

export const linear: Op<"linear"> = (runtime, sizes, x, weight, bias) => {
  const { rows, inFeatures, outFeatures, shape } = sizes;
  const y = runtime.result("linear", shape);
  const stored = storedWeight(runtime, weight, rows === 1);
  const record = { x, ...stored, bias, y, rows, inFeatures, outFeatures, xStride: x.rowStride };
  // The larger of 16 bytes and 36 floating-point operations per nanosecond.
  const [reading, computing] = [
    byteLength(weight.dtype, weight.shape) / 16,
    (rows * inFeatures * outFeatures) / 18,
  ];
  runtime.run("linear", record, Math.max(reading, computing));
  return y;
};
