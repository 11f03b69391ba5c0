import { checkBroadcast } from "../checks/elementwise.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";

export interface DivOp {
  /**
   * `a / b`, element by element. `b` has the shape of `a`, or that of its last axes (dense): then it is repeated over the
   * leading axes. Nothing else is broadcast. Division by 0 gives an infinity, or NaN for 0 / 0.
   */
  div(a: Tensor, b: Tensor): Tensor;
}

export const div = {
  parameters: ["a", "b"],
  check: (a, b) => checkBroadcast("div", a, b),
} satisfies OpDefinition<DivOp["div"]>;
