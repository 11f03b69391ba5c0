import { bindAxes } from "../checks/bindAxes.ts";
import { fail } from "../checks/fail.ts";
import { checkF32, rowCount, weights } from "../checks/tensors.ts";
import { formatShape, lastExtent } from "../dtype.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";

export interface LinearOp {
  /**
   * x [..., I], weight [O, I], bias [O] -> [..., O]: `y = x · weightᵀ + bias`. The weight has any storage type. With
   * `capabilities.activations` "int8", `x` is rounded before the product with a quantised weight.
   */
  linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor;
}

export interface LinearBackwardOps {
  /** dy [..., O], weight [O, I] -> dx [..., I]: `dx = dy · weight`. The weight has any storage type; `dy` is never rounded. */
  linearBackwardInput(dy: Tensor, weight: Tensor): Tensor;
  /** dy [..., O], x [..., I] -> dWeight [O, I]: `dWeight = dyᵀ · x`, summed over all rows. */
  linearBackwardWeight(dy: Tensor, x: Tensor): Tensor;
}

export const linear = {
  parameters: ["x", "weight", "bias"],
  weightStorage: "any",
  check(x, weight, bias) {
    checkF32("linear", "x", x);
    const inFeatures = lastExtent(x.shape);
    const { O, I } = bindAxes("linear", {
      weight: { tensor: weight, axes: "O I", dtypes: weights, dense: true },
      bias: { tensor: bias, axes: "O", dense: true },
    });
    if (I !== inFeatures) {
      const found = `${formatShape(weight.shape)} for x ${formatShape(x.shape)}`;
      fail("SHAPE", "linear", `weight must be [O, ${inFeatures}], got ${found}`);
    }
    return { rows: rowCount(x), inFeatures, outFeatures: O, shape: [...x.shape.slice(0, -1), O] };
  },
} satisfies OpDefinition<LinearOp["linear"]>;

export const linearBackwardInput = {
  parameters: ["dy", "weight"],
  weightStorage: "any",
  check(dy, weight) {
    const op = "linearBackwardInput";
    checkF32(op, "dy", dy);
    const outFeatures = lastExtent(dy.shape);
    const { O, I } = bindAxes(op, { weight: { tensor: weight, axes: "O I", dtypes: weights, dense: true } });
    if (O !== outFeatures) {
      const found = `${formatShape(weight.shape)} for dy ${formatShape(dy.shape)}`;
      fail("SHAPE", op, `weight must be [${outFeatures}, I], got ${found}`);
    }
    return { rows: rowCount(dy), inFeatures: I, outFeatures: O, shape: [...dy.shape.slice(0, -1), I] };
  },
} satisfies OpDefinition<LinearBackwardOps["linearBackwardInput"]>;

export const linearBackwardWeight = {
  parameters: ["dy", "x"],
  check(dy, x) {
    const op = "linearBackwardWeight";
    checkF32(op, "dy", dy);
    checkF32(op, "x", x);
    const leading = dy.shape.slice(0, -1);
    if (x.shape.length !== dy.shape.length || leading.some((extent, i) => extent !== x.shape[i])) {
      const expected = `[${[...leading, "I"].join(", ")}] like dy ${formatShape(dy.shape)}`;
      fail("SHAPE", op, `x must be ${expected}, got ${formatShape(x.shape)}`);
    }
    return { rows: rowCount(dy), inFeatures: lastExtent(x.shape), outFeatures: lastExtent(dy.shape) };
  },
} satisfies OpDefinition<LinearBackwardOps["linearBackwardWeight"]>;
