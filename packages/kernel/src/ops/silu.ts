import { checkBinary } from "../checks/elementwise.ts";
import { checkF32 } from "../checks/tensors.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";

export interface SiluOp {
  /** `x * sigmoid(x)` */
  silu(x: Tensor): Tensor;
}

export interface SiluBackwardOp {
  /** `dy * silu'(x)` with `silu'(x) = s * (1 + x * (1 - s))`, `s = sigmoid(x)`. */
  siluBackward(dy: Tensor, x: Tensor): Tensor;
}

export const silu = {
  parameters: ["x"],
  check: (x) => checkF32("silu", "x", x),
} satisfies OpDefinition<SiluOp["silu"]>;

export const siluBackward = {
  parameters: ["dy", "x"],
  check: (dy, x) => checkBinary("siluBackward", "dy", dy, "x", x),
} satisfies OpDefinition<SiluBackwardOp["siluBackward"]>;
