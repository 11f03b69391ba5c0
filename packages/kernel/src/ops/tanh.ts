import { checkBinary } from "../checks/elementwise.ts";
import { checkF32 } from "../checks/tensors.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";

export interface TanhOp {
  /** `tanh(x)`, accurate near 0 (no cancellation), and exactly 1 or -1 at large magnitudes. */
  tanh(x: Tensor): Tensor;
}

export interface TanhBackwardOp {
  /** `dy * (1 - y²)`, with `y = tanh(x)`. */
  tanhBackward(dy: Tensor, y: Tensor): Tensor;
}

export const tanh = {
  parameters: ["x"],
  check: (x) => checkF32("tanh", "x", x),
} satisfies OpDefinition<TanhOp["tanh"]>;

export const tanhBackward = {
  parameters: ["dy", "y"],
  check: (dy, y) => checkBinary("tanhBackward", "dy", dy, "y", y),
} satisfies OpDefinition<TanhBackwardOp["tanhBackward"]>;
