import { checkLinear, type FloatDType, type Tensor } from "@mamba/kernel";
import { piecesOf } from "../pieces.ts";
import type { Runtime } from "../runtime.ts";
import { areAligned, runProduct } from "./product.ts";

export function linear(runtime: Runtime, x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const { rows, inFeatures, outFeatures, shape } = checkLinear(x, weight, bias);
  const op = "linear";
  runtime.checkOpen(op);
  const input = runtime.own(op, "x", x);
  const matrix = runtime.own(op, "weight", weight);
  const offsets = runtime.ownIf(op, "bias", bias);
  const y = runtime.result(op, shape);
  // A table too large for one binding is taken a block of outputs at a time.
  for (const piece of piecesOf(runtime, matrix)) {
    runProduct(runtime, op, "forward", {
      ...{ x: input, weight: piece, bias: offsets, y, dtype: weight.dtype as FloatDType },
      ...{ aligned: areAligned(input, matrix), rows, columns: piece.rows, depth: inFeatures },
      ...{ first: piece.first, width: outFeatures, skip: 0, more: false },
    });
  }
  return y;
}
