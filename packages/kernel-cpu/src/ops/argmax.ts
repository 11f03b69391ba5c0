import type { Op } from "../op.ts";

export const argmax: Op<"argmax"> = (runtime, { batch, vocabSize }, logits) => {
  const y = runtime.result("argmax", [batch], "i32");
  runtime.run("argmax", { logits, y, batch, vocabSize, stride: logits.rowStride }, 0.6 * batch * vocabSize);
  return y;
};
