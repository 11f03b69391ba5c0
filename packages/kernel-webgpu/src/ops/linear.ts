import type { WeightDType } from "@mamba/kernel";
import { rowChunks } from "../memory/chunks.ts";
import type { Op } from "../op.ts";
import { areAligned, runProduct } from "../products/product.ts";

/** y = x · weightᵀ + bias. A weight too large for one binding is processed in chunks of outputs. */
export const linear: Op<"linear"> = (runtime, { rows, inFeatures, outFeatures, shape }, x, weight, bias) => {
  const y = runtime.result("linear", shape);
  for (const chunk of rowChunks(runtime, weight)) {
    runProduct(runtime, "linear", "forward", {
      ...{ x, weight: chunk, bias, y, dtype: weight.dtype as WeightDType },
      ...{ aligned: areAligned(x, weight), rows, columns: chunk.rows, depth: inFeatures },
      ...{ first: chunk.first, width: outFeatures, xStart: 0, continued: false },
    });
  }
  return y;
};
