import type { Op } from "../op.ts";

export const combineExperts: Op<"combineExperts"> = (runtime, sizes, y, weights) => {
  const { rows, perToken, outFeatures } = sizes;
  const out = runtime.result("combineExperts", [rows, outFeatures]);
  const record = {
    ...{ y, weights, out, rows, perToken, features: outFeatures },
    ...{ yStride: y.rowStride, weightsStride: weights.rowStride },
  };
  // 4 elements per nanosecond.
  runtime.run("combineExperts", record, (rows * perToken * outFeatures) / 4);
  return out;
};
