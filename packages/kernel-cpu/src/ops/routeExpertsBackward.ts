import type { Op } from "../op.ts";
import { scoringNumbers } from "./routeExperts.ts";

export const routeExpertsBackward: Op<"routeExpertsBackward"> = (runtime, sizes, dWeights, args, experts) => {
  const op = "routeExpertsBackward";
  const { rows, expertCount, perToken, scale } = sizes;
  const { logits, scoring, normalize = false } = args;
  const dLogits = runtime.result(op, [rows, expertCount]);
  const record = {
    ...{ dWeights, logits, chosen: experts, dLogits, rows, experts: expertCount, perToken, normalize, scale },
    ...{ dWeightsStride: dWeights.rowStride, logitsStride: logits.rowStride },
    scoring: scoringNumbers[scoring],
  };
  runtime.run(op, record, 2 * rows * expertCount);
  return dLogits;
};
