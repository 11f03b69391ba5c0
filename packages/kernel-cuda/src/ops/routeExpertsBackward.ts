import type { Op } from "../op.ts";
import { routeBlock, routeWords } from "./routeExperts.ts";

export const routeExpertsBackward: Op<"routeExpertsBackward"> = (runtime, sizes, dWeights, args, experts) => {
  const op = "routeExpertsBackward";
  const { rows, expertCount, scale } = sizes;
  const dLogits = runtime.result(op, [rows, expertCount]);
  const words = routeWords(sizes, args);
  const given = [dWeights, args.logits, experts, dLogits, words, dWeights.rowStride, scale];
  runtime.launch(op, op, rows, routeBlock, given);
  return dLogits;
};
