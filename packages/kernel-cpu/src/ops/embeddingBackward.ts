import type { Op } from "../op.ts";

export const embeddingBackward: Op<"embeddingBackward"> = (
  runtime,
  { count, features },
  dy,
  ids,
  vocabSize,
) => {
  const op = "embeddingBackward";
  const dWeight = runtime.result(op, [vocabSize, features]);
  const record = { dy, ids, dWeight, count, vocabSize, features, dyStride: dy.rowStride };
  runtime.run(op, record, (0.5 * count + 0.2 * vocabSize) * features);
  return dWeight;
};
