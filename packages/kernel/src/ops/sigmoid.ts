import { checkBinary } from "../checks/elementwise.ts";
import { checkF32 } from "../checks/tensors.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";

export interface SigmoidOp {
  /** `1 / (1 + exp(-x))`; exactly 0 and 1 at -Infinity and Infinity. */
  sigmoid(x: Tensor): Tensor;
}

export interface SigmoidBackwardOp {
  /** `dy * y * (1 - y)`, with `y = sigmoid(x)`. */
  sigmoidBackward(dy: Tensor, y: Tensor): Tensor;
}

export const sigmoid = {
  parameters: ["x"],
  check: (x) => checkF32("sigmoid", "x", x),
} satisfies OpDefinition<SigmoidOp["sigmoid"]>;

export const sigmoidBackward = {
  parameters: ["dy", "y"],
  check: (dy, y) => checkBinary("sigmoidBackward", "dy", dy, "y", y),
} satisfies OpDefinition<SigmoidBackwardOp["sigmoidBackward"]>;
