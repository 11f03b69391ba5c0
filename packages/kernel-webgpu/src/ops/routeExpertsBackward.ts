import { routeExpertsBackwardShader } from "../experts/routeShaders.ts";
import type { Op } from "../op.ts";
import { scoringCodes } from "./routeExperts.ts";

export const routeExpertsBackward: Op<"routeExpertsBackward"> = (
  runtime,
  { rows, expertCount, perToken, scale },
  dWeights,
  { logits, scoring, normalize = false },
  experts,
) => {
  const op = "routeExpertsBackward";
  const dLogits = runtime.result(op, [rows, expertCount]);
  const params = {
    expertCount,
    perToken,
    scale,
    scoring: scoringCodes[scoring],
    normalize: normalize ? 1 : 0,
  };
  runtime.run(op, routeExpertsBackwardShader, { dWeights, logits, experts, dLogits }, params, rows);
  return dLogits;
};
