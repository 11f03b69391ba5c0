import { bindAxes } from "../checks/bindAxes.ts";
import { checkBinary } from "../checks/elementwise.ts";
import { checkNotNegative } from "../checks/scalars.ts";
import { checkF32, rowCount } from "../checks/tensors.ts";
import { lastExtent } from "../dtype.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";

export interface LayerNormOp {
  /**
   * x [..., D], weight [D], bias [D] -> [..., D], over the last axis (Ba et al. 2016):
   * ```
   * mean = sum(x) / D,  var = sum((x - mean)²) / D
   * y = (x - mean) / sqrt(var + eps) * weight + bias
   * ```
   * The mean is subtracted before the variance is summed, so that a large mean costs no accuracy. Without a weight the factor
   * is 1, without a bias nothing is added. A row of equal elements gives the bias when `eps` is above 0; with eps 0 its result is
   * 0 / 0, NaN or any number. A NaN makes its whole row NaN.
   */
  layerNorm(x: Tensor, weight: Tensor | undefined, bias: Tensor | undefined, eps: number): Tensor;
}

export interface LayerNormBackwardOp {
  /**
   * Gradients of `layerNorm`. The statistics of the rows are computed again from `x`. `dWeight` is present when `weight` is,
   * and `dBias` when `bias` is; the values of the bias are not read.
   * ```
   * r = 1 / sqrt(var + eps),  n = (x - mean) * r,  g = dy * weight
   * dx = r * (g - sum(g) / D - n * sum(g * n) / D)
   * dWeight = sum over rows of dy * n,  dBias = sum over rows of dy
   * ```
   */
  layerNormBackward(
    dy: Tensor,
    x: Tensor,
    weight: Tensor | undefined,
    bias: Tensor | undefined,
    eps: number,
  ): { dx: Tensor; dWeight?: Tensor; dBias?: Tensor };
}

export const layerNorm = {
  parameters: ["x", "weight", "bias", "eps"],
  check: (x, weight, bias, eps) => checkNorm("layerNorm", x, weight, bias, eps),
} satisfies OpDefinition<LayerNormOp["layerNorm"]>;

export const layerNormBackward = {
  parameters: ["dy", "x", "weight", "bias", "eps"],
  check(dy, x, weight, bias, eps) {
    checkBinary("layerNormBackward", "dy", dy, "x", x);
    return checkNorm("layerNormBackward", x, weight, bias, eps);
  },
} satisfies OpDefinition<LayerNormBackwardOp["layerNormBackward"]>;

function checkNorm(
  op: string,
  x: Tensor,
  weight: Tensor | undefined,
  bias: Tensor | undefined,
  eps: number,
): { rows: number; features: number } {
  checkF32(op, "x", x);
  const features = lastExtent(x.shape);
  bindAxes(op, {
    weight: { tensor: weight, axes: String(features), dense: true },
    bias: { tensor: bias, axes: String(features), dense: true },
  });
  checkNotNegative(op, "eps", eps);
  return { rows: rowCount(x), features };
}
