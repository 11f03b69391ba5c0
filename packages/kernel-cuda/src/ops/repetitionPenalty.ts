import type { Op } from "../op.ts";

const block = 256;
/** Logits of a row that one block computes. */
const chunkLogits = 2048;

export const repetitionPenalty: Op<"repetitionPenalty"> = (runtime, sizes, logits, ids, penalty) => {
  const op = "repetitionPenalty";
  const { batch, vocabSize, idCount } = sizes;
  const y = runtime.result(op, logits.shape);
  const chunks = Math.ceil(vocabSize / chunkLogits);
  const args = [logits, ids, y, vocabSize, logits.rowStride, idCount, chunks, penalty];
  runtime.launch(op, op, batch * chunks, block, args);
  return y;
};
