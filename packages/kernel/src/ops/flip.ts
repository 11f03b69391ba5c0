import { bindAxes } from "../checks/bindAxes.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";
import type { SequenceSizes } from "./sizes.ts";

export interface FlipOp {
  /** x [B, L, D] with each sequence reversed along L: `y[b, l] = x[b, L-1-l]`. */
  flip(x: Tensor): Tensor;
}

export const flip = {
  parameters: ["x"],
  check(x): SequenceSizes {
    const { B, L, D } = bindAxes("flip", { x: { tensor: x, axes: "B L D" } });
    return { batch: B, length: L, channels: D };
  },
} satisfies OpDefinition<FlipOp["flip"]>;
