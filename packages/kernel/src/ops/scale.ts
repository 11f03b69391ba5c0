import { checkFinite } from "../checks/scalars.ts";
import { checkF32 } from "../checks/tensors.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";

export interface ScaleOp {
  /** `x * factor` */
  scale(x: Tensor, factor: number): Tensor;
}

export const scale = {
  parameters: ["x", "factor"],
  check(x, factor) {
    checkF32("scale", "x", x);
    checkFinite("scale", "factor", factor);
  },
} satisfies OpDefinition<ScaleOp["scale"]>;
