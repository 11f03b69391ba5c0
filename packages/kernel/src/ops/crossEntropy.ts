import { bindAxes } from "../checks/bindAxes.ts";
import { fail } from "../checks/fail.ts";
import { checkInteger } from "../checks/scalars.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";

/** Options of the cross-entropy. Their meaning is PyTorch's. */
export interface CrossEntropyOptions {
  /** Targets with this number do not count. Default -100. */
  ignoreIndex?: number | undefined;
  /** The weight e of the uniform distribution in the target, next to 1 - e of the class, in [0, 1). Default 0. */
  labelSmoothing?: number | undefined;
  /** [V], dense: the weight of each class. Default: 1 for each. */
  classWeights?: Tensor | undefined;
}

export interface CrossEntropyOps {
  /**
   * logits [M, V], targets i32 [M] -> `loss` [1]. With logp = log softmax(logits), e = labelSmoothing, w = classWeights and y
   * the targets, over the rows i whose target is not `ignoreIndex`:
   * ```
   * loss = sum_i [(1 - e) * w[y_i] * -logp_i[y_i] + e / V * sum_c w[c] * -logp_i[c]] / sum_i w[y_i]
   * ```
   * It is 0 when no row counts or the weights of their targets sum to 0. The second term is left out when e is 0, so that a
   * logit of -Infinity is allowed in a class that is no target. Any other target outside [0, V) makes the loss NaN: the
   * backend never reads out of bounds, and never returns a plausible number.
   */
  crossEntropy(logits: Tensor, targets: Tensor, options?: CrossEntropyOptions): { loss: Tensor };
  /**
   * `crossEntropy` with the gradient of the loss, `dLogits` [M, V]. With p = softmax(logits), W = sum_i w[y_i] and k[c] = 1 at
   * c = y_i, else 0:
   * ```
   * dLogits_i[c] = [(1 - e) * w[y_i] * (p[c] - k[c]) + e / V * (p[c] * sum_j w[j] - w[c])] / W
   * ```
   * The row of a target outside [0, V) is NaN, that of an ignored target 0; all counted rows are 0 when W is 0.
   */
  crossEntropyWithGradient(
    logits: Tensor,
    targets: Tensor,
    options?: CrossEntropyOptions,
  ): { loss: Tensor; dLogits: Tensor };
}

export const crossEntropy = {
  parameters: ["logits", "targets", "options"],
  check: (logits, targets, options) => checkLoss("crossEntropy", logits, targets, options),
} satisfies OpDefinition<CrossEntropyOps["crossEntropy"]>;

export const crossEntropyWithGradient = {
  parameters: ["logits", "targets", "options"],
  check: (logits, targets, options) => checkLoss("crossEntropyWithGradient", logits, targets, options),
} satisfies OpDefinition<CrossEntropyOps["crossEntropyWithGradient"]>;

function checkLoss(op: string, logits: Tensor, targets: Tensor, options: CrossEntropyOptions = {}) {
  const given: unknown = options;
  if (typeof given !== "object" || given === null) {
    fail("ARGUMENT", op, `options must be an object such as { ignoreIndex: -100 }, got ${String(given)}`);
  }
  const { ignoreIndex = -100, labelSmoothing = 0, classWeights } = options;
  const { M, V } = bindAxes(op, {
    logits: { tensor: logits, axes: "M V" },
    targets: { tensor: targets, axes: "M", dtypes: ["i32"], dense: true },
    classWeights: { tensor: classWeights, axes: "V", dense: true },
  });
  checkInteger(op, "ignoreIndex", ignoreIndex, -(2 ** 31), 2 ** 31 - 1);
  if (!(labelSmoothing >= 0 && labelSmoothing < 1)) {
    fail("ARGUMENT", op, `labelSmoothing must be in [0, 1), got ${labelSmoothing}`);
  }
  return { rows: M, vocabSize: V, ignoreIndex, labelSmoothing };
}
