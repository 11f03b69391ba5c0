import { checkBinary } from "../checks/elementwise.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";

export interface MulOp {
  /** `a * b`, element by element; same shape. */
  mul(a: Tensor, b: Tensor): Tensor;
}

export const mul = {
  parameters: ["a", "b"],
  check: (a, b) => checkBinary("mul", "a", a, "b", b),
} satisfies OpDefinition<MulOp["mul"]>;
