import { checkSample, type SampleOptions, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import { rowBlock } from "./argmax.ts";
import { uploaded } from "./memory.ts";

export function sample(runtime: Runtime, logits: Tensor, options: SampleOptions): Tensor {
  const { batch, vocabSize } = checkSample(logits, options);
  const op = "sample";
  runtime.checkOpen(op);
  const own = runtime.own(op, "logits", logits);
  const { temperature, topK = vocabSize, topP = 1, minP = 0 } = options;
  const ids = runtime.result(op, [batch], "i32");
  // The number for a single row travels with the launch.
  const [uniform = 0, ...more] = options.uniforms;
  using uniforms =
    more.length > 0 ? uploaded(runtime, op, Float32Array.from(options.uniforms), [batch], "f32") : undefined;
  const filters = [Math.min(topK, vocabSize), temperature, topP, minP, uniform];
  const args = [own, uniforms, ids, vocabSize, logits.rowStride, ...filters];
  runtime.launch(op, "sample", batch, rowBlock(vocabSize), args);
  return ids;
}
