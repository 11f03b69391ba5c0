import type { Op } from "../op.ts";
import { addressOf } from "../tensor.ts";

export const embedding: Op<"embedding"> = (runtime, { count, vocabSize, features, shape }, ids, weight) => {
  const { args } = runtime;
  args[0] = addressOf(ids);
  args[1] = addressOf(weight);
  const y = runtime.result("embedding", shape);
  args[2] = y.address;
  args[3] = count;
  args[4] = vocabSize;
  args[5] = features;
  args[6] = runtime.storageType(weight);
  runtime.run("embedding", 0.5 * count * features);
  return y;
};
