import type { RouteScoring } from "@mamba/kernel";
import { SIGMOID, SOFTMAX, TOP_SOFTMAX } from "../generated/records.ts";
import type { Op } from "../op.ts";

/** The numbers of the scorings in assembly/routeExperts.ts. */
export const scoringNumbers: Readonly<Record<RouteScoring, number>> = {
  softmax: SOFTMAX,
  topSoftmax: TOP_SOFTMAX,
  sigmoid: SIGMOID,
};

export const routeExperts: Op<"routeExperts"> = (runtime, sizes, args) => {
  const op = "routeExperts";
  const { rows, expertCount, perToken, scale } = sizes;
  const { logits, bias, scoring, normalize = false } = args;
  const experts = runtime.result(op, [rows, perToken], "i32");
  const weights = runtime.result(op, [rows, perToken]);
  const record = {
    ...{ logits, bias, chosen: experts, weights, rows, experts: expertCount, perToken, normalize, scale },
    logitsStride: logits.rowStride,
    scoring: scoringNumbers[scoring],
  };
  // A nanosecond for each comparison, and for each exponential.
  runtime.run(op, record, rows * expertCount * (1 + perToken));
  return { experts, weights };
};
