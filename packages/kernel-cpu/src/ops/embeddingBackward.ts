import { checkEmbeddingBackward, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";

export function embeddingBackward(runtime: Runtime, dy: Tensor, ids: Tensor, vocabSize: number): Tensor {
  const { count, features } = checkEmbeddingBackward(dy, ids, vocabSize);
  const op = "embeddingBackward";
  runtime.checkOpen(op);
  const { args } = runtime;
  args[0] = runtime.at(op, "dy", dy);
  args[1] = runtime.at(op, "ids", ids);
  const dWeight = runtime.result(op, [vocabSize, features]);
  args[2] = dWeight.address;
  args[3] = count;
  args[4] = vocabSize;
  args[5] = features;
  args[6] = dy.rowStride;
  runtime.run(op, (0.5 * count + 0.2 * vocabSize) * features);
  return dWeight;
}
