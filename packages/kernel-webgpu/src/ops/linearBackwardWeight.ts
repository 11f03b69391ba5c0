import { checkLinearBackwardWeight, type Tensor } from "@mamba/kernel";
import { piecesOf } from "../pieces.ts";
import type { Runtime } from "../runtime.ts";
import { backwardProduct } from "./backwardProduct.ts";

/** dWeight = dyᵀ · x. A result too large for one binding is made some rows at a time. */
export function linearBackwardWeight(runtime: Runtime, dy: Tensor, x: Tensor): Tensor {
  const { rows, inFeatures, outFeatures } = checkLinearBackwardWeight(dy, x);
  const op = "linearBackwardWeight";
  runtime.checkOpen(op);
  const a = runtime.own(op, "dy", dy);
  const matrix = runtime.own(op, "x", x);
  const dWeight = runtime.result(op, [outFeatures, inFeatures]);
  for (const piece of piecesOf(runtime, dWeight)) {
    backwardProduct(runtime, op, {
      a,
      weight: matrix,
      dtype: "f32",
      aligned: inFeatures % 4 === 0 && matrix.offset % 4 === 0 && matrix.rowStride % 4 === 0,
      y: piece,
      rows: piece.rows,
      columns: inFeatures,
      depth: rows,
      skip: piece.first,
      rowStep: 1,
      depthStep: a.rowStride,
      block: 256,
      more: false,
    });
  }
  return dWeight;
}
