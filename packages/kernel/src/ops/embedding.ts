import { bindAxes } from "../checks/bindAxes.ts";
import { fail } from "../checks/fail.ts";
import { checkInteger } from "../checks/scalars.ts";
import { checkF32, checkIds, weights } from "../checks/tensors.ts";
import { elementCount, formatShape, lastExtent } from "../dtype.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";

export interface EmbeddingOp {
  /**
   * ids i32 [...], weight [V, D] of any storage type -> [..., D]. The backend clamps ids to [0, V): it never reads out of
   * bounds.
   */
  embedding(ids: Tensor, weight: Tensor): Tensor;
}

export interface EmbeddingBackwardOp {
  /**
   * dy [..., D], ids i32 [...] -> dWeight [vocabSize, D]: the gradients of equal ids are added. Ids are clamped to
   * [0, vocabSize), like those of `embedding`.
   */
  embeddingBackward(dy: Tensor, ids: Tensor, vocabSize: number): Tensor;
}

export const embedding = {
  parameters: ["ids", "weight"],
  weightStorage: "any",
  check(ids, weight) {
    checkIds("embedding", ids);
    const { V, D } = bindAxes("embedding", {
      weight: { tensor: weight, axes: "V D", dtypes: weights, dense: true },
    });
    return { count: elementCount(ids.shape), vocabSize: V, features: D, shape: [...ids.shape, D] };
  },
} satisfies OpDefinition<EmbeddingOp["embedding"]>;

export const embeddingBackward = {
  parameters: ["dy", "ids", "vocabSize"],
  check(dy, ids, vocabSize) {
    const op = "embeddingBackward";
    checkF32(op, "dy", dy);
    checkIds(op, ids);
    const features = lastExtent(dy.shape);
    const fits =
      dy.shape.length === ids.shape.length + 1 && ids.shape.every((extent, i) => extent === dy.shape[i]);
    if (!fits) {
      const expected = `${formatShape([...ids.shape, features])} for ids ${formatShape(ids.shape)}`;
      fail("SHAPE", op, `dy must be ${expected}, got ${formatShape(dy.shape)}`);
    }
    checkInteger(op, "vocabSize", vocabSize, 1, 2 ** 31 - 1);
    return { count: elementCount(ids.shape), features };
  },
} satisfies OpDefinition<EmbeddingBackwardOp["embeddingBackward"]>;
