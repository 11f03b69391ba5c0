import type { FloatDType } from "@mamba/kernel";
import { piecesOf } from "../pieces.ts";
import type { Op } from "../op.ts";
import { areAligned, runProduct } from "./product.ts";

/**
 * dx = dy · weight. A weight too large for one binding is taken some rows at a time: their terms continue the sum where it
 * was, so the result has the same bits.
 */
export const linearBackwardInput: Op<"linearBackwardInput"> = (
  runtime,
  { rows, inFeatures, shape },
  dy,
  weight,
) => {
  const op = "linearBackwardInput";
  const dx = runtime.result(op, shape);
  for (const piece of piecesOf(runtime, weight)) {
    runProduct(runtime, op, "backward input", {
      ...{ x: dy, weight: piece, y: dx, dtype: weight.dtype as FloatDType },
      ...{ aligned: areAligned(dy, weight), rows, columns: inFeatures, depth: piece.rows },
      ...{ first: 0, width: inFeatures, skip: piece.first, more: piece.first > 0 },
    });
  }
  return dx;
};
