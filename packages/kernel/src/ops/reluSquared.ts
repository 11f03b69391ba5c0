import { checkBinary } from "../checks/elementwise.ts";
import { checkF32 } from "../checks/tensors.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";

export interface ReluSquaredOp {
  /** `max(x, 0)²` (So et al. 2021) */
  reluSquared(x: Tensor): Tensor;
}

export interface ReluSquaredBackwardOp {
  /** `dy * 2 * max(x, 0)` */
  reluSquaredBackward(dy: Tensor, x: Tensor): Tensor;
}

export const reluSquared = {
  parameters: ["x"],
  check: (x) => checkF32("reluSquared", "x", x),
} satisfies OpDefinition<ReluSquaredOp["reluSquared"]>;

export const reluSquaredBackward = {
  parameters: ["dy", "x"],
  check: (dy, x) => checkBinary("reluSquaredBackward", "dy", dy, "x", x),
} satisfies OpDefinition<ReluSquaredBackwardOp["reluSquaredBackward"]>;
