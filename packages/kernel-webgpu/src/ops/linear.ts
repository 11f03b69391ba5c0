import type { FloatDType } from "@mamba/kernel";
import { piecesOf } from "../pieces.ts";
import type { Op } from "../op.ts";
import { areAligned, runProduct } from "./product.ts";

/** y = x · weightᵀ + bias. A weight too large for one binding is taken some outputs at a time. */
export const linear: Op<"linear"> = (runtime, { rows, inFeatures, outFeatures, shape }, x, weight, bias) => {
  const y = runtime.result("linear", shape);
  for (const piece of piecesOf(runtime, weight)) {
    runProduct(runtime, "linear", "forward", {
      ...{ x, weight: piece, bias, y, dtype: weight.dtype as FloatDType },
      ...{ aligned: areAligned(x, weight), rows, columns: piece.rows, depth: inFeatures },
      ...{ first: piece.first, width: outFeatures, skip: 0, more: false },
    });
  }
  return y;
};
