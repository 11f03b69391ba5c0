import { checkLogits } from "../checks/logits.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";

export interface ArgmaxOp {
  /**
   * logits [B, V] -> i32 [B], the lowest index among the largest. -1 for a row that holds a NaN or +infinity, or no finite
   * logit.
   */
  argmax(logits: Tensor): Tensor;
}

export const argmax = {
  parameters: ["logits"],
  check: (logits) => checkLogits("argmax", logits),
} satisfies OpDefinition<ArgmaxOp["argmax"]>;
