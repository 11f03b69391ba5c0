import { bindAxes } from "../checks/bindAxes.ts";
import { checkPositive } from "../checks/scalars.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";

export interface RepetitionPenaltyOp {
  /**
   * logits [B, V], ids i32 [B, K] -> a new [B, V] with each distinct id of the row penalised once: `l > 0 ? l / penalty :
   * l * penalty` (Keskar et al. 2019, section 4.1). Ids outside [0, V) are padding.
   */
  repetitionPenalty(logits: Tensor, ids: Tensor, penalty: number): Tensor;
}

export const repetitionPenalty = {
  parameters: ["logits", "ids", "penalty"],
  check(logits, ids, penalty) {
    const op = "repetitionPenalty";
    const { B, V, K } = bindAxes(op, {
      logits: { tensor: logits, axes: "B V" },
      ids: { tensor: ids, axes: "B K", dtypes: ["i32"], dense: true },
    });
    checkPositive(op, "penalty", penalty);
    return { batch: B, vocabSize: V, idCount: K };
  },
} satisfies OpDefinition<RepetitionPenaltyOp["repetitionPenalty"]>;
