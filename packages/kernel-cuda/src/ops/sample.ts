import type { Op } from "../op.ts";
import { uploaded } from "../upload.ts";
import { rowBlock } from "./argmax.ts";

export const sample: Op<"sample"> = (runtime, { batch, vocabSize }, logits, options) => {
  const op = "sample";
  const { temperature, topK = vocabSize, topP = 1, minP = 0 } = options;
  const ids = runtime.result(op, [batch], "i32");
  // The number for a single row is an argument of the launch, so no upload ends the batch.
  const [uniform = 0, ...more] = options.uniforms;
  using uniforms =
    more.length > 0 ? uploaded(runtime, op, Float32Array.from(options.uniforms), [batch], "f32") : undefined;
  const filters = [Math.min(topK, vocabSize), temperature, topP, minP, uniform];
  const args = [logits, uniforms, ids, vocabSize, logits.rowStride, ...filters];
  runtime.launch(op, op, batch, rowBlock(vocabSize), args);
  return ids;
};
