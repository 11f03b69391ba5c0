import { checkF32 } from "../checks/tensors.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";

export interface ExpOp {
  /** `e^x`; an overflow gives Infinity, `exp(-Infinity)` is 0. */
  exp(x: Tensor): Tensor;
}

export const exp = {
  parameters: ["x"],
  check: (x) => checkF32("exp", "x", x),
} satisfies OpDefinition<ExpOp["exp"]>;
