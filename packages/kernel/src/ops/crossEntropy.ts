import { bindAxes } from "../checks/bindAxes.ts";
import { checkInteger } from "../checks/scalars.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";

export interface CrossEntropyOps {
  /**
   * logits [M, V], targets i32 [M] -> `loss` [1], the mean of `-log softmax(logits)[target]` over the targets that are not
   * `ignoreIndex` (default -100); 0 when there are none. Any other target outside [0, V) makes the loss NaN: the backend
   * never reads out of bounds, and never returns a plausible number.
   */
  crossEntropy(logits: Tensor, targets: Tensor, ignoreIndex?: number): { loss: Tensor };
  /**
   * `crossEntropy` with the gradient of the loss, `dLogits` [M, V]. The row of a target outside [0, V) is NaN, that of an
   * ignored target 0.
   */
  crossEntropyWithGradient(
    logits: Tensor,
    targets: Tensor,
    ignoreIndex?: number,
  ): { loss: Tensor; dLogits: Tensor };
}

export const crossEntropy = {
  parameters: ["logits", "targets", "ignoreIndex"],
  check: (logits, targets, ignoreIndex) => checkLoss("crossEntropy", logits, targets, ignoreIndex),
} satisfies OpDefinition<CrossEntropyOps["crossEntropy"]>;

export const crossEntropyWithGradient = {
  parameters: ["logits", "targets", "ignoreIndex"],
  check: (logits, targets, ignoreIndex) =>
    checkLoss("crossEntropyWithGradient", logits, targets, ignoreIndex),
} satisfies OpDefinition<CrossEntropyOps["crossEntropyWithGradient"]>;

function checkLoss(op: string, logits: Tensor, targets: Tensor, ignoreIndex = -100) {
  const { M, V } = bindAxes(op, {
    logits: { tensor: logits, axes: "M V" },
    targets: { tensor: targets, axes: "M", dtypes: ["i32"], dense: true },
  });
  checkInteger(op, "ignoreIndex", ignoreIndex, -(2 ** 31), 2 ** 31 - 1);
  return { rows: M, vocabSize: V, ignoreIndex };
}
