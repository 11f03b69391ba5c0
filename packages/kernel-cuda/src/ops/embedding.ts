import type { FloatDType } from "@mamba/kernel";
import { block, blocksOf } from "../elementwise.ts";
import type { Op } from "../op.ts";
import { quantizedIndex } from "../quantized.ts";

export const embedding: Op<"embedding"> = (runtime, sizes, ids, weight) => {
  const op = "embedding";
  const { count, vocabSize, features, shape } = sizes;
  const y = runtime.result(op, shape);
  const args = [ids, weight, y, count, features, vocabSize];
  const type = quantizedIndex(weight);
  if (type === undefined) {
    const kernel = `embedding_${weight.dtype as FloatDType}` as const;
    runtime.launch(op, kernel, blocksOf(count * features), block, args);
  } else runtime.launch(op, "embedding_quantized", blocksOf(count * features), block, [...args, type]);
  return y;
};
