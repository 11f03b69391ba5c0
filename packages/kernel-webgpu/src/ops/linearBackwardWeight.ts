import { checkLinearBackwardWeight, type Tensor } from "@mamba/kernel";
import { piecesOf } from "../pieces.ts";
import type { Runtime } from "../runtime.ts";
import { areAligned, runProduct } from "./product.ts";

/** dWeight = dyᵀ · x. A result too large for one binding is made some rows at a time. */
export function linearBackwardWeight(runtime: Runtime, dy: Tensor, x: Tensor): Tensor {
  const { rows, inFeatures, outFeatures } = checkLinearBackwardWeight(dy, x);
  const op = "linearBackwardWeight";
  runtime.checkOpen(op);
  const a = runtime.own(op, "dy", dy);
  const matrix = runtime.own(op, "x", x);
  const dWeight = runtime.result(op, [outFeatures, inFeatures]);
  for (const piece of piecesOf(runtime, dWeight)) {
    runProduct(runtime, op, "backward weight", {
      ...{ x: a, weight: matrix, y: piece, dtype: "f32" },
      ...{ aligned: areAligned(a, matrix), rows: piece.rows, columns: inFeatures, depth: rows },
      ...{ first: 0, width: inFeatures, skip: piece.first, more: false },
    });
  }
  return dWeight;
}
