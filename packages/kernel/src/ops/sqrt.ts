import { checkF32 } from "../checks/tensors.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";

export interface SqrtOp {
  /** `sqrt(x)`; a negative number gives NaN. */
  sqrt(x: Tensor): Tensor;
}

export const sqrt = {
  parameters: ["x"],
  check: (x) => checkF32("sqrt", "x", x),
} satisfies OpDefinition<SqrtOp["sqrt"]>;
