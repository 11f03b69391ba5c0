import { checkArgmax, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";

export function argmax(runtime: Runtime, logits: Tensor): Tensor {
  const { batch, vocabSize } = checkArgmax(logits);
  runtime.checkOpen("argmax");
  const { args } = runtime;
  args[0] = runtime.at("argmax", "logits", logits);
  const y = runtime.result("argmax", [batch], "i32");
  args[1] = y.address;
  args[2] = batch;
  args[3] = vocabSize;
  args[4] = logits.rowStride;
  runtime.run("argmax", 0.6 * batch * vocabSize);
  return y;
}
