import { bindAxes } from "../checks/bindAxes.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";

export interface CombineExpertsOp {
  /** y [R, K, O], weights [R, K] -> [R, O]: `sum_j weights[r, j] * y[r, j]` */
  combineExperts(y: Tensor, weights: Tensor): Tensor;
}

export interface CombineExpertsBackwardOp {
  /** Gradients of `combineExperts` for dOut [R, O]: `y[r, j] = weights[r, j] * dOut[r]`, `weights[r, j] = y[r, j] · dOut[r]`. */
  combineExpertsBackward(dOut: Tensor, y: Tensor, weights: Tensor): { y: Tensor; weights: Tensor };
}

export const combineExperts = {
  parameters: ["y", "weights"],
  check: (y, weights) => checkCombine("combineExperts", y, weights),
} satisfies OpDefinition<CombineExpertsOp["combineExperts"]>;

export const combineExpertsBackward = {
  parameters: ["dOut", "y", "weights"],
  check: (dOut, y, weights) => checkCombine("combineExpertsBackward", y, weights, dOut),
} satisfies OpDefinition<CombineExpertsBackwardOp["combineExpertsBackward"]>;

function checkCombine(op: string, y: Tensor, weights: Tensor, dOut?: Tensor) {
  const { R, K, O } = bindAxes(op, {
    y: { tensor: y, axes: "R K O" },
    weights: { tensor: weights, axes: "R K" },
    dOut: { tensor: dOut, axes: "R O" },
  });
  return { rows: R, perToken: K, outFeatures: O };
}
