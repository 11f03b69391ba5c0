import type { FloatDType } from "@mamba/kernel";
import { block, blocksOf } from "../elementwise.ts";
import type { Op } from "../op.ts";

export const embedding: Op<"embedding"> = (runtime, sizes, ids, weight) => {
  const op = "embedding";
  const { count, vocabSize, features, shape } = sizes;
  const y = runtime.result(op, shape);
  const kernel = `embedding_${weight.dtype as FloatDType}` as const;
  const args = [ids, weight, y, count, features, vocabSize];
  runtime.launch(op, kernel, blocksOf(count * features), block, args);
  return y;
};
