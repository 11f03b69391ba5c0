import type { Op } from "../op.ts";
import { storedWeight } from "../packHalves.ts";

export const embedding: Op<"embedding"> = (runtime, { count, vocabSize, features, shape }, ids, weight) => {
  const y = runtime.result("embedding", shape);
  const record = { ids, ...storedWeight(runtime, weight, false), y, count, vocabSize, features };
  runtime.run("embedding", record, 0.5 * count * features);
  return y;
};
