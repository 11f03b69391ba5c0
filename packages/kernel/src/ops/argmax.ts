import { checkLogits } from "../checks/logits.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";

export interface ArgmaxOp {
  /** logits [B, V] -> i32 [B], the lowest index among the largest. A NaN counts as larger than every number. */
  argmax(logits: Tensor): Tensor;
}

export const argmax = {
  parameters: ["logits"],
  check: (logits) => checkLogits("argmax", logits),
} satisfies OpDefinition<ArgmaxOp["argmax"]>;
