import type { Op } from "../op.ts";
import { storedType } from "../packHalves.ts";

export const embedding: Op<"embedding"> = (runtime, { count, vocabSize, features, shape }, ids, weight) => {
  const y = runtime.result("embedding", shape);
  const record = {
    ids,
    weight,
    y,
    count,
    vocabSize,
    features,
    weightType: storedType(runtime, weight, false),
  };
  runtime.run("embedding", record, 0.5 * count * features);
  return y;
};
