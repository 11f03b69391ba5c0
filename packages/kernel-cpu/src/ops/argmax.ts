import type { Op } from "../op.ts";
import { addressOf } from "../tensor.ts";

export const argmax: Op<"argmax"> = (runtime, { batch, vocabSize }, logits) => {
  const { args } = runtime;
  args[0] = addressOf(logits);
  const y = runtime.result("argmax", [batch], "i32");
  args[1] = y.address;
  args[2] = batch;
  args[3] = vocabSize;
  args[4] = logits.rowStride;
  runtime.run("argmax", 0.6 * batch * vocabSize);
  return y;
};
