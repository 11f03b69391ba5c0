import { checkBinary } from "../checks/elementwise.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";

export interface AddOp {
  /** `a + b`, element by element; same shape. */
  add(a: Tensor, b: Tensor): Tensor;
}

export const add = {
  parameters: ["a", "b"],
  check: (a, b) => checkBinary("add", "a", a, "b", b),
} satisfies OpDefinition<AddOp["add"]>;
