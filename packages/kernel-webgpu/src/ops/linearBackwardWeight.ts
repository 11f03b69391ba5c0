import { rowChunks } from "../memory/chunks.ts";
import type { Op } from "../op.ts";
import { areAligned, runProduct } from "../products/product.ts";

/** dWeight = dyᵀ · x. A result too large for one binding is computed in chunks of rows. */
export const linearBackwardWeight: Op<"linearBackwardWeight"> = (
  runtime,
  { rows, inFeatures, outFeatures },
  dy,
  x,
) => {
  const op = "linearBackwardWeight";
  const dWeight = runtime.result(op, [outFeatures, inFeatures]);
  for (const chunk of rowChunks(runtime, dWeight)) {
    runProduct(runtime, op, "backward weight", {
      ...{ x: dy, weight: x, y: chunk, dtype: "f32" },
      ...{ aligned: areAligned(dy, x), rows: chunk.rows, columns: inFeatures, depth: rows },
      ...{ first: 0, width: inFeatures, xStart: chunk.first, continued: false },
    });
  }
  return dWeight;
};
