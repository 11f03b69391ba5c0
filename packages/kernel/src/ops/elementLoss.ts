import { bindAxes } from "../checks/bindAxes.ts";
import { fail } from "../checks/fail.ts";
import { checkPositive } from "../checks/scalars.ts";
import { checkDense, checkF32, checkSameShape } from "../checks/tensors.ts";
import { elementCount, formatShape, lastExtent } from "../dtype.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";

const kinds = ["squaredError", "huber", "binaryCrossEntropy", "quantile"] as const;

/** The loss of one element: see `ElementLossArgs`. */
export type ElementLossKind = (typeof kinds)[number];

/**
 * A loss that is a weighted mean over elements. x is the prediction, t the target, d = x - t:
 * ```
 * squaredError         d²                                                            gradient 2 d
 * huber                d² / 2 when |d| <= delta, else delta (|d| - delta / 2)          gradient clamp(d, -delta, delta)
 * binaryCrossEntropy   max(x, 0) - x t + log1p(exp(-|x|)), x is a logit               gradient sigmoid(x) - t
 * quantile             max(q (t - x), (q - 1)(t - x)) for each level q                gradient -q, 1 - q, or 0 at x = t
 * ```
 */
export interface ElementLossArgs {
  kind: ElementLossKind;
  /** The predictions; [..., Q] for "quantile", one for each level. May be a column view. */
  x: Tensor;
  /** Dense, in the shape of x; for "quantile" without its last axis (and [1] where that leaves no axis). Any numbers. */
  target: Tensor;
  /** Dense, in the shape of the target: the weight of each element. Default: 1 for each. */
  weight?: Tensor | undefined;
  /** Above 0; "huber" needs it, and no other kind takes it. */
  delta?: number | undefined;
  /** [Q], dense: the levels of "quantile", which needs them; no other kind takes them. */
  levels?: Tensor | undefined;
}

export interface ElementLossOps {
  /**
   * `loss` [1]: `sum(w * l) / sum(w)` over all elements of x, where the weight of a target counts for each of its Q levels.
   * It is 0 when the weights sum to 0. An element of weight 0 contributes 0, even where x or the target is NaN or infinite.
   */
  elementLoss(args: ElementLossArgs): { loss: Tensor };
  /** `elementLoss` with `dx`, the gradient of the loss in the shape of x: `w * gradient / sum(w)`, 0 where the weight is 0. */
  elementLossWithGradient(args: ElementLossArgs): { loss: Tensor; dx: Tensor };
}

export const elementLoss = {
  parameters: ["args"],
  check: (args) => checkLoss("elementLoss", args),
} satisfies OpDefinition<ElementLossOps["elementLoss"]>;

export const elementLossWithGradient = {
  parameters: ["args"],
  check: (args) => checkLoss("elementLossWithGradient", args),
} satisfies OpDefinition<ElementLossOps["elementLossWithGradient"]>;

/** Returns the elements of x and, for each target, the number of its levels: Q, or 1. */
function checkLoss(op: string, args: ElementLossArgs): { count: number; levelCount: number } {
  const { kind, x, target, weight, delta, levels } = args;
  if (!kinds.includes(kind)) {
    fail("ARGUMENT", op, `kind must be one of ${kinds.join(", ")}, got ${JSON.stringify(kind)}`);
  }
  checkF32(op, "x", x);
  if (kind === "huber") checkPositive(op, "delta", delta ?? NaN);
  else if (delta !== undefined) fail("ARGUMENT", op, `delta belongs to huber, got ${delta} for ${kind}`);
  if ((kind === "quantile") !== (levels !== undefined)) {
    fail("ARGUMENT", op, `levels belong to quantile, got ${levels ? "some" : "none"} for ${kind}`);
  }
  bindAxes(op, { levels: { tensor: levels, axes: String(lastExtent(x.shape)), dense: true } });
  checkF32(op, "target", target);
  if (levels) {
    const leading = x.shape.length === 1 ? [1] : x.shape.slice(0, -1);
    if (formatShape(target.shape) !== formatShape(leading)) {
      const expected = `${formatShape(leading)} for x ${formatShape(x.shape)}`;
      fail("SHAPE", op, `target must be ${expected}, got ${formatShape(target.shape)}`);
    }
  } else checkSameShape(op, "target", target, "x", x);
  checkDense(op, "target", target);
  if (weight) {
    checkF32(op, "weight", weight);
    checkSameShape(op, "weight", weight, "target", target);
    checkDense(op, "weight", weight);
  }
  return { count: elementCount(x.shape), levelCount: levels ? lastExtent(x.shape) : 1 };
}
