import { checkEmbedding, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";

export function embedding(runtime: Runtime, ids: Tensor, weight: Tensor): Tensor {
  const { count, vocabSize, features, shape } = checkEmbedding(ids, weight);
  runtime.checkOpen("embedding");
  const { args } = runtime;
  args[0] = runtime.at("embedding", "ids", ids);
  args[1] = runtime.at("embedding", "weight", weight);
  const y = runtime.result("embedding", shape);
  args[2] = y.address;
  args[3] = count;
  args[4] = vocabSize;
  args[5] = features;
  args[6] = runtime.storageType(weight);
  runtime.run("embedding", 0.5 * count * features);
  return y;
}
