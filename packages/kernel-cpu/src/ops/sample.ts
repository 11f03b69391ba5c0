import type { Op } from "../op.ts";

export const sample: Op<"sample"> = (runtime, { batch, vocabSize }, logits, options) => {
  const { temperature, topK = vocabSize, topP = 1, minP = 0 } = options;
  const y = runtime.result("sample", [batch], "i32");
  const uniforms = runtime.temporary("sample", batch * 8);
  try {
    runtime.heap.writeDoubles(uniforms.address, options.uniforms);
    const record = {
      logits,
      y,
      uniforms,
      batch,
      vocabSize,
      stride: logits.rowStride,
      temperature,
      topP,
      minP,
      topK: Math.min(topK, vocabSize),
    };
    runtime.run("sample", record, 10 * batch * vocabSize);
    return y;
  } finally {
    runtime.heap.free(uniforms);
  }
};
