import { checkF32 } from "../checks/tensors.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";

export interface LogOp {
  /** `ln(x)`; `log(0)` is -Infinity, and a negative number gives NaN. */
  log(x: Tensor): Tensor;
}

export const log = {
  parameters: ["x"],
  check: (x) => checkF32("log", "x", x),
} satisfies OpDefinition<LogOp["log"]>;
