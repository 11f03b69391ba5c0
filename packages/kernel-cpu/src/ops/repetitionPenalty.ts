import type { Op } from "../op.ts";
import { addressOf } from "../tensor.ts";

export const repetitionPenalty: Op<"repetitionPenalty"> = (
  runtime,
  { batch, vocabSize, idCount },
  logits,
  ids,
  penalty,
) => {
  const op = "repetitionPenalty";
  const { args } = runtime;
  args[0] = addressOf(logits);
  args[1] = addressOf(ids);
  const y = runtime.result(op, logits.shape);
  args[2] = y.address;
  args[3] = batch;
  args[4] = vocabSize;
  args[5] = idCount;
  args[6] = logits.rowStride;
  runtime.floatArgs[7] = penalty;
  runtime.run(op, 0.3 * batch * vocabSize + 2 * batch * idCount);
  return y;
};
