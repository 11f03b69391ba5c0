import type { Op } from "../op.ts";

export const repetitionPenalty: Op<"repetitionPenalty"> = (runtime, sizes, logits, ids, penalty) => {
  const op = "repetitionPenalty";
  const { batch, vocabSize, idCount } = sizes;
  const y = runtime.result(op, logits.shape);
  const record = { logits, ids, y, batch, vocabSize, idCount, stride: logits.rowStride, penalty };
  runtime.run(op, record, 0.3 * batch * vocabSize + 2 * batch * idCount);
  return y;
};
