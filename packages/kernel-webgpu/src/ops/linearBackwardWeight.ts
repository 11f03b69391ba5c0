import { piecesOf } from "../pieces.ts";
import type { Op } from "../op.ts";
import { areAligned, runProduct } from "./product.ts";

/** dWeight = dyᵀ · x. A result too large for one binding is made some rows at a time. */
export const linearBackwardWeight: Op<"linearBackwardWeight"> = (
  runtime,
  { rows, inFeatures, outFeatures },
  dy,
  x,
) => {
  const op = "linearBackwardWeight";
  const dWeight = runtime.result(op, [outFeatures, inFeatures]);
  for (const piece of piecesOf(runtime, dWeight)) {
    runProduct(runtime, op, "backward weight", {
      ...{ x: dy, weight: x, y: piece, dtype: "f32" },
      ...{ aligned: areAligned(dy, x), rows: piece.rows, columns: inFeatures, depth: rows },
      ...{ first: 0, width: inFeatures, skip: piece.first, more: false },
    });
  }
  return dWeight;
};
