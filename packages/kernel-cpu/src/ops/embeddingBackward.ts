import type { Op } from "../op.ts";
import { addressOf } from "../tensor.ts";

export const embeddingBackward: Op<"embeddingBackward"> = (
  runtime,
  { count, features },
  dy,
  ids,
  vocabSize,
) => {
  const op = "embeddingBackward";
  const { args } = runtime;
  args[0] = addressOf(dy);
  args[1] = addressOf(ids);
  const dWeight = runtime.result(op, [vocabSize, features]);
  args[2] = dWeight.address;
  args[3] = count;
  args[4] = vocabSize;
  args[5] = features;
  args[6] = dy.rowStride;
  runtime.run(op, (0.5 * count + 0.2 * vocabSize) * features);
  return dWeight;
};
