import { checkBinary } from "../checks/elementwise.ts";
import { checkFinite } from "../checks/scalars.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";

export interface AccumulateOp {
  /**
   * `target += x * factor`, in place; same shape, factor 1 by default. Both may be column views: the gradient of a view is
   * added directly to the columns of the gradient of the whole tensor.
   */
  accumulate(target: Tensor, x: Tensor, factor?: number): void;
}

export const accumulate = {
  parameters: ["target", "x", "factor"],
  check(target, x, factor = 1) {
    checkBinary("accumulate", "target", target, "x", x);
    checkFinite("accumulate", "factor", factor);
  },
  writes: (target) => [target],
} satisfies OpDefinition<AccumulateOp["accumulate"]>;
