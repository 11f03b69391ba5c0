import { bindAxes } from "../checks/bindAxes.ts";
import { fail } from "../checks/fail.ts";
import { checkF32, weights } from "../checks/tensors.ts";
import { formatShape } from "../dtype.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";
import { checkExpertCount } from "./routeExperts.ts";

/**
 * The product of each row with the weights of its K chosen experts. An id outside of [0, E) is clamped by the backend. A weight of
 * quantised storage is E·O rows of I elements.
 */
export interface ExpertLinearArgs {
  /** [R, I], one for all chosen experts of a row, or [R, K, I], one for each */
  x: Tensor;
  /** [E, O, I] of any storage type */
  weight: Tensor;
  /** i32 [R, K] */
  experts: Tensor;
}

export interface ExpertLinearOp {
  /**
   * [R, K, O]: `y[r, j] = weight[experts[r, j]] · x[r]`, or `· x[r, j]`. Reads the weights of chosen experts only. With
   * `capabilities.activations` "int8", `x` is rounded before the product with a quantised weight.
   */
  expertLinear(args: ExpertLinearArgs): Tensor;
}

export interface ExpertLinearBackwardOps {
  /**
   * dy [R, K, O], weight [E, O, I] of any storage type, experts i32 [R, K] -> dx [R, K, I]:
   * `dx[r, j] = dy[r, j] · weight[experts[r, j]]`. Where `x` is [R, I], its gradient is the sum over K. `dy` is
   * never rounded.
   */
  expertLinearBackwardInput(dy: Tensor, weight: Tensor, experts: Tensor): Tensor;
  /**
   * dy [R, K, O], x [R, I] or [R, K, I], experts i32 [R, K] -> dWeight [E, O, I]: the sum of `dy[r, j] ⊗ x[r, j]` over the choices
   * of each expert, 0 for an expert without any.
   */
  expertLinearBackwardWeight(dy: Tensor, x: Tensor, experts: Tensor, expertCount: number): Tensor;
}

export const expertLinear = {
  parameters: ["args"],
  weightStorage: "any",
  check({ x, weight, experts }) {
    const op = "expertLinear";
    const { K, E, O, I } = bindAxes(op, {
      x: { tensor: x, axes: checkInputAxes(op, x) },
      weight: { tensor: weight, axes: "E O I", dtypes: weights, dense: true },
      experts: { tensor: experts, axes: "R K", dtypes: ["i32"], dense: true },
    });
    const [rows = 1] = x.shape;
    return { rows, perToken: K, expertCount: E, inFeatures: I, outFeatures: O, shared: x.shape.length === 2 };
  },
} satisfies OpDefinition<ExpertLinearOp["expertLinear"]>;

export const expertLinearBackwardInput = {
  parameters: ["dy", "weight", "experts"],
  weightStorage: "any",
  check(dy, weight, experts) {
    const { R, K, E, O, I } = bindAxes("expertLinearBackwardInput", {
      dy: { tensor: dy, axes: "R K O" },
      weight: { tensor: weight, axes: "E O I", dtypes: weights, dense: true },
      experts: { tensor: experts, axes: "R K", dtypes: ["i32"], dense: true },
    });
    return { rows: R, perToken: K, expertCount: E, inFeatures: I, outFeatures: O };
  },
} satisfies OpDefinition<ExpertLinearBackwardOps["expertLinearBackwardInput"]>;

export const expertLinearBackwardWeight = {
  parameters: ["dy", "x", "experts", "expertCount"],
  check(dy, x, experts, expertCount) {
    const op = "expertLinearBackwardWeight";
    const { R, K, O, I } = bindAxes(op, {
      dy: { tensor: dy, axes: "R K O" },
      x: { tensor: x, axes: checkInputAxes(op, x) },
      experts: { tensor: experts, axes: "R K", dtypes: ["i32"], dense: true },
    });
    checkExpertCount(op, expertCount);
    const shared = x.shape.length === 2;
    return { rows: R, perToken: K, expertCount, inFeatures: I, outFeatures: O, shared };
  },
} satisfies OpDefinition<ExpertLinearBackwardOps["expertLinearBackwardWeight"]>;

/** @throws KernelError `DISPOSED`, `DTYPE` or `SHAPE` unless `x` is f32 of two or three axes */
function checkInputAxes(op: string, x: Tensor): "R I" | "R K I" {
  checkF32(op, "x", x);
  if (x.shape.length === 2) return "R I";
  if (x.shape.length === 3) return "R K I";
  fail("SHAPE", op, `x must be [R, I] or [R, K, I], got ${formatShape(x.shape)}`);
}
