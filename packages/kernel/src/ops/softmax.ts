import { checkBinary } from "../checks/elementwise.ts";
import { checkF32, rowCount } from "../checks/tensors.ts";
import { lastExtent } from "../dtype.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";

export interface SoftmaxOp {
  /**
   * x [..., D] -> [..., D]: `y = exp(x - max(x)) / sum(exp(x - max(x)))` over the last axis. An element of -Infinity gives 0.
   * A row that holds a NaN or +Infinity, or nothing but -Infinity, gives NaN in all its elements.
   */
  softmax(x: Tensor): Tensor;
}

export interface SoftmaxBackwardOp {
  /** dy, y [..., D] -> dx [..., D]: `dx = y * (dy - sum(dy * y))` over the last axis, with `y = softmax(x)`. */
  softmaxBackward(dy: Tensor, y: Tensor): Tensor;
}

export const softmax = {
  parameters: ["x"],
  check(x) {
    checkF32("softmax", "x", x);
    return rowsOf(x);
  },
} satisfies OpDefinition<SoftmaxOp["softmax"]>;

export const softmaxBackward = {
  parameters: ["dy", "y"],
  check(dy, y) {
    checkBinary("softmaxBackward", "dy", dy, "y", y);
    return rowsOf(y);
  },
} satisfies OpDefinition<SoftmaxBackwardOp["softmaxBackward"]>;

function rowsOf(x: Tensor): { rows: number; features: number } {
  return { rows: rowCount(x), features: lastExtent(x.shape) };
}
