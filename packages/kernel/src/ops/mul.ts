import { checkBroadcast } from "../checks/elementwise.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";

export interface MulOp {
  /**
   * `a * b`, element by element. `b` has the shape of `a`, or that of its last axes (dense): then it is repeated over the
   * leading axes. Nothing else is broadcast.
   */
  mul(a: Tensor, b: Tensor): Tensor;
}

export const mul = {
  parameters: ["a", "b"],
  check: (a, b) => checkBroadcast("mul", a, b),
} satisfies OpDefinition<MulOp["mul"]>;
