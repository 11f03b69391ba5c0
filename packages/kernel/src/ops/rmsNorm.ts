import { bindAxes } from "../checks/bindAxes.ts";
import { fail } from "../checks/fail.ts";
import { checkNotNegative } from "../checks/scalars.ts";
import { checkF32, checkSameShape, rowCount } from "../checks/tensors.ts";
import { lastExtent } from "../dtype.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";

export interface RmsNormOp {
  /**
   * x [..., D], weight [D] -> [..., D]: `y = x / sqrt(mean(x²) + eps) * weight` over the last axis (Zhang & Sennrich
   * 2019). Without a weight the factor is 1.
   */
  rmsNorm(x: Tensor, weight: Tensor | undefined, eps: number): Tensor;
}

export interface RmsNormBackwardOp {
  /** Gradients of `rmsNorm`. The row scales are computed again from `x`. `dWeight` is present when `weight` is. */
  rmsNormBackward(
    dy: Tensor,
    x: Tensor,
    weight: Tensor | undefined,
    eps: number,
  ): { dx: Tensor; dWeight?: Tensor };
}

export const rmsNorm = {
  parameters: ["x", "weight", "eps"],
  check: (x, weight, eps) => checkNorm("rmsNorm", x, weight, eps),
} satisfies OpDefinition<RmsNormOp["rmsNorm"]>;

export const rmsNormBackward = {
  parameters: ["dy", "x", "weight", "eps"],
  check(dy, x, weight, eps) {
    const op = "rmsNormBackward";
    checkF32(op, "dy", dy);
    checkF32(op, "x", x);
    checkSameShape(op, "x", x, "dy", dy);
    return checkNorm(op, x, weight, eps);
  },
} satisfies OpDefinition<RmsNormBackwardOp["rmsNormBackward"]>;

function checkNorm(op: string, x: Tensor, weight: Tensor | undefined, eps: number) {
  checkF32(op, "x", x);
  const features = lastExtent(x.shape);
  const { D } = bindAxes(op, { weight: { tensor: weight, axes: "D", dense: true } });
  if (weight && D !== features) fail("SHAPE", op, `weight must be [${features}], got [${D}]`);
  checkNotNegative(op, "eps", eps);
  return { rows: rowCount(x), features };
}
