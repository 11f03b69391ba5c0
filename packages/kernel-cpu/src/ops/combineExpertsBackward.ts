import type { Op } from "../op.ts";

export const combineExpertsBackward: Op<"combineExpertsBackward"> = (runtime, sizes, dOut, y, weights) => {
  const op = "combineExpertsBackward";
  const { rows, perToken, outFeatures } = sizes;
  const dy = runtime.result(op, y.shape);
  const dWeights = runtime.result(op, weights.shape);
  const record = {
    ...{ dOut, y, weights, dy, dWeights, rows, perToken, features: outFeatures },
    ...{ dOutStride: dOut.rowStride, yStride: y.rowStride, weightsStride: weights.rowStride },
  };
  // 2 elements per nanosecond.
  runtime.run(op, record, (rows * perToken * outFeatures) / 2);
  return { y: dy, weights: dWeights };
};
