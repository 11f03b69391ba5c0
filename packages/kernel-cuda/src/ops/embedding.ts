import { checkEmbedding, type FloatDType, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import { block, blocksOf } from "./elementwise.ts";

export function embedding(runtime: Runtime, ids: Tensor, weight: Tensor): Tensor {
  const { count, vocabSize, features, shape } = checkEmbedding(ids, weight);
  const op = "embedding";
  runtime.checkOpen(op);
  const [tokens, table] = [runtime.own(op, "ids", ids), runtime.own(op, "weight", weight)];
  const y = runtime.result(op, shape);
  const kernel = `embedding_${weight.dtype as FloatDType}` as const;
  runtime.launch(op, kernel, blocksOf(count * features), block, [
    tokens,
    table,
    y,
    count,
    features,
    vocabSize,
  ]);
  return y;
}
