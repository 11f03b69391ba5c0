import { routeExpertsShader } from "../experts/routeShaders.ts";
import type { Op } from "../op.ts";

/** The parameter `scoring` of the shaders. */
export const scoringCodes = { softmax: 0, topSoftmax: 1, sigmoid: 2 } as const;

export const routeExperts: Op<"routeExperts"> = (
  runtime,
  { rows, expertCount, perToken, scale },
  { logits, bias, scoring, normalize = false },
) => {
  const op = "routeExperts";
  const experts = runtime.result(op, [rows, perToken], "i32");
  const weights = runtime.result(op, [rows, perToken]);
  const params = {
    expertCount,
    perToken,
    scale,
    scoring: scoringCodes[scoring],
    normalize: normalize ? 1 : 0,
  };
  runtime.run(op, routeExpertsShader, { logits, bias, experts, weights }, params, rows);
  return { experts, weights };
};
