import type { WeightDType } from "@mamba/kernel";
import { rowChunks } from "../memory/chunks.ts";
import type { Op } from "../op.ts";
import { areAligned, runProduct } from "../products/product.ts";

/**
 * dx = dy · weight. A weight too large for one binding is processed in chunks of rows. Each chunk continues the sums of the
 * one before it term by term, so the result has the same bits as without chunks.
 */
export const linearBackwardInput: Op<"linearBackwardInput"> = (
  runtime,
  { rows, inFeatures, shape },
  dy,
  weight,
) => {
  const op = "linearBackwardInput";
  const dx = runtime.result(op, shape);
  for (const chunk of rowChunks(runtime, weight)) {
    runProduct(runtime, op, "backward input", {
      ...{ x: dy, weight: chunk, y: dx, dtype: weight.dtype as WeightDType },
      ...{ aligned: areAligned(dy, weight), rows, columns: inFeatures, depth: chunk.rows },
      ...{ first: 0, width: inFeatures, xStart: chunk.first, continued: chunk.first > 0 },
    });
  }
  return dx;
};
