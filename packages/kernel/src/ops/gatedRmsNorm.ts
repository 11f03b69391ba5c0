import { bindAxes } from "../checks/bindAxes.ts";
import { checkBinary } from "../checks/elementwise.ts";
import { fail } from "../checks/fail.ts";
import { checkInteger, checkNotNegative } from "../checks/scalars.ts";
import { checkF32, checkSameShape, rowCount } from "../checks/tensors.ts";
import { lastExtent } from "../dtype.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";
import type { Grads } from "./grads.ts";

/**
 * RMS norm with a gate (Dao & Gu 2024). `norm` divides each of `groups` equal column ranges of a row by its root mean square:
 * `norm(v) = v / sqrt(mean(v²) + eps)`.
 * ```
 * y = weight * norm(x * silu(z))                 the default
 * y = weight * norm(x) * silu(z)                 normBeforeGate
 * ```
 */
export interface GatedRmsNormArgs {
  /** [..., D] */
  x: Tensor;
  /** [..., D] */
  z: Tensor;
  /** [D] */
  weight: Tensor;
  eps: number;
  /** Divides D. */
  groups: number;
  /** Default false. */
  normBeforeGate?: boolean | undefined;
}

export interface GatedRmsNormOp {
  /** [..., D]; see `GatedRmsNormArgs` for the formula. */
  gatedRmsNorm(args: GatedRmsNormArgs): Tensor;
}

export interface GatedRmsNormBackwardOp {
  /** Gradients of `gatedRmsNorm`. The scales of rows are computed again from `x` and `z`. */
  gatedRmsNormBackward(dy: Tensor, args: GatedRmsNormArgs): Grads<GatedRmsNormArgs>;
}

export const gatedRmsNorm = {
  parameters: ["args"],
  check: (args) => checkGatedNorm("gatedRmsNorm", args),
} satisfies OpDefinition<GatedRmsNormOp["gatedRmsNorm"]>;

export const gatedRmsNormBackward = {
  parameters: ["dy", "args"],
  check(dy, args) {
    const op = "gatedRmsNormBackward";
    const sizes = checkGatedNorm(op, args);
    checkF32(op, "dy", dy);
    checkSameShape(op, "dy", dy, "x", args.x);
    return sizes;
  },
} satisfies OpDefinition<GatedRmsNormBackwardOp["gatedRmsNormBackward"]>;

function checkGatedNorm(op: string, { x, z, weight, eps, groups }: GatedRmsNormArgs) {
  checkBinary(op, "x", x, "z", z);
  const features = lastExtent(x.shape);
  bindAxes(op, { weight: { tensor: weight, axes: "D", dense: true } }, { D: features });
  checkNotNegative(op, "eps", eps);
  checkInteger(op, "groups", groups, 1, features);
  if (features % groups !== 0) fail("ARGUMENT", op, `groups must divide D = ${features}, got ${groups}`);
  return { rows: rowCount(x), features, groups };
}
