import type { Op } from "../op.ts";

/** Threads for one row of logits: about eight logits per thread, from one warp (32 logits or less) to the largest block. */
export function rowBlock(vocabSize: number): number {
  return vocabSize <= 32 ? 32 : Math.min(32 * Math.max(2, Math.ceil(vocabSize / 256)), 1024);
}

export const argmax: Op<"argmax"> = (runtime, { batch, vocabSize }, logits) => {
  const op = "argmax";
  const ids = runtime.result(op, [batch], "i32");
  runtime.launch(op, op, batch, rowBlock(vocabSize), [logits, ids, vocabSize, logits.rowStride]);
  return ids;
};
