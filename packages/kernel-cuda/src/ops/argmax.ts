import { checkArgmax, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";

/** Threads for a row of logits: up to eight each, then all that a block can have. One warp does for 32 logits or less. */
export function rowBlock(vocabSize: number): number {
  return vocabSize <= 32 ? 32 : Math.min(32 * Math.max(2, Math.ceil(vocabSize / 256)), 1024);
}

export function argmax(runtime: Runtime, logits: Tensor): Tensor {
  const { batch, vocabSize } = checkArgmax(logits);
  runtime.checkOpen("argmax");
  const own = runtime.own("argmax", "logits", logits);
  const ids = runtime.result("argmax", [batch], "i32");
  runtime.launch("argmax", "argmax", batch, rowBlock(vocabSize), [own, ids, vocabSize, logits.rowStride]);
  return ids;
}
