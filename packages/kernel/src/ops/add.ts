import { checkBroadcast } from "../checks/elementwise.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";

export interface AddOp {
  /**
   * `a + b`, element by element. `b` has the shape of `a`, or that of its last axes (dense): then it is repeated over the
   * leading axes. Nothing else is broadcast.
   */
  add(a: Tensor, b: Tensor): Tensor;
}

export const add = {
  parameters: ["a", "b"],
  check: (a, b) => checkBroadcast("add", a, b),
} satisfies OpDefinition<AddOp["add"]>;
