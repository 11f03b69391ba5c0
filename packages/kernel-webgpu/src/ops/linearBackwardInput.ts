import { checkLinearBackwardInput, type FloatDType, type Tensor } from "@mamba/kernel";
import { piecesOf } from "../pieces.ts";
import type { Runtime } from "../runtime.ts";
import { backwardProduct } from "./backwardProduct.ts";

/** dx = dy · weight. A weight too large for one binding is taken some rows at a time: their terms continue the sum where it was, so the pieces do not change a bit of it. */
export function linearBackwardInput(runtime: Runtime, dy: Tensor, weight: Tensor): Tensor {
  const { rows, inFeatures, shape } = checkLinearBackwardInput(dy, weight);
  const op = "linearBackwardInput";
  runtime.checkOpen(op);
  const a = runtime.own(op, "dy", dy);
  const matrix = runtime.own(op, "weight", weight);
  const dx = runtime.result(op, shape);
  for (const piece of piecesOf(runtime, matrix)) {
    backwardProduct(runtime, op, {
      a,
      weight: piece,
      dtype: weight.dtype as FloatDType,
      aligned: inFeatures % 4 === 0,
      y: dx,
      rows,
      columns: inFeatures,
      depth: piece.rows,
      skip: piece.first,
      rowStep: a.rowStride,
      depthStep: 1,
      block: piece.rows,
      more: piece.first > 0,
    });
  }
  return dx;
}
