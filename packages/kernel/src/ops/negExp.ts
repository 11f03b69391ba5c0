import { checkF32 } from "../checks/tensors.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";

export interface NegExpOp {
  /** `-exp(x)`: the map from `A_log` to `A`. */
  negExp(x: Tensor): Tensor;
}

export const negExp = {
  parameters: ["x"],
  check: (x) => checkF32("negExp", "x", x),
} satisfies OpDefinition<NegExpOp["negExp"]>;
