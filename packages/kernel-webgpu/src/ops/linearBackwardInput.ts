import { checkLinearBackwardInput, type FloatDType, type Tensor } from "@mamba/kernel";
import { piecesOf } from "../pieces.ts";
import type { Runtime } from "../runtime.ts";
import { areAligned, runProduct } from "./product.ts";

/** dx = dy · weight. A weight too large for one binding is taken some rows at a time: their terms continue the sum where it was, so the pieces do not change a bit of it. */
export function linearBackwardInput(runtime: Runtime, dy: Tensor, weight: Tensor): Tensor {
  const { rows, inFeatures, shape } = checkLinearBackwardInput(dy, weight);
  const op = "linearBackwardInput";
  runtime.checkOpen(op);
  const a = runtime.own(op, "dy", dy);
  const matrix = runtime.own(op, "weight", weight);
  const dx = runtime.result(op, shape);
  for (const piece of piecesOf(runtime, matrix)) {
    runProduct(runtime, op, "backward input", {
      ...{ x: a, weight: piece, y: dx, dtype: weight.dtype as FloatDType },
      ...{ aligned: areAligned(a, matrix), rows, columns: inFeatures, depth: piece.rows },
      ...{ first: 0, width: inFeatures, skip: piece.first, more: piece.first > 0 },
    });
  }
  return dx;
}
