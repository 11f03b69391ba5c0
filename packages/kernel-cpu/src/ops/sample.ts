import type { Op } from "../op.ts";
import { lineBytes } from "../allocator.ts";
import { addressOf } from "../tensor.ts";

export const sample: Op<"sample"> = (runtime, { batch, vocabSize }, logits, options) => {
  const { args, heap } = runtime;
  args[0] = addressOf(logits);
  const { temperature, topK = vocabSize, topP = 1, minP = 0, uniforms } = options;
  const numbers = heap.allocate((3 + batch) * 8, "sample");
  try {
    const address = numbers.start * lineBytes;
    heap.writeDoubles(address, [temperature, topP, minP, ...uniforms]);
    const y = runtime.result("sample", [batch], "i32");
    args[1] = y.address;
    args[2] = batch;
    args[3] = vocabSize;
    args[4] = logits.rowStride;
    args[5] = address;
    args[6] = Math.min(topK, vocabSize);
    runtime.run("sample", 10 * batch * vocabSize);
    return y;
  } finally {
    heap.free(numbers);
  }
};
