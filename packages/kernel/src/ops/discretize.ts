import { bindAxes } from "../checks/bindAxes.ts";
import { fail } from "../checks/fail.ts";
import { checkNotNegative } from "../checks/scalars.ts";
import { checkF32, rowCount } from "../checks/tensors.ts";
import { formatShape, lastExtent, type Shape } from "../dtype.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";
import type { Grads } from "./grads.ts";

/**
 * The step size of each head and the logarithm of its decay (Dao & Gu 2024):
 * ```
 * weight = clamp(softplus(dt + bias), min, max)          softplus(x) = x for x > 20
 * logDecay = weight * A
 * ```
 */
export interface DiscretizeArgs {
  /** [..., H] */
  dt: Tensor;
  /** [H] */
  bias?: Tensor | undefined;
  /** [H], negative for a stable system: `-exp(A_log)` */
  A: Tensor;
  /** The smallest weight, >= 0. Default 0. */
  min?: number | undefined;
  /** The largest weight, >= `min`; may be infinite. Default Infinity. */
  max?: number | undefined;
}

export interface DiscretizeOp {
  /** [..., 2H], where columns 0 to H - 1 are `weight` and the others `logDecay`. See `DiscretizeArgs` for the formula. */
  discretize(args: DiscretizeArgs): Tensor;
}

export interface DiscretizeBackwardOp {
  /**
   * Gradients of `discretize` for dy [..., 2H]. `dt` and `bias` get none where `softplus(dt + bias)` is below `min` or above
   * `max`.
   */
  discretizeBackward(dy: Tensor, args: DiscretizeArgs): Grads<DiscretizeArgs>;
}

export const discretize = {
  parameters: ["args"],
  check: (args) => checkDiscretize("discretize", args),
} satisfies OpDefinition<DiscretizeOp["discretize"]>;

export const discretizeBackward = {
  parameters: ["dy", "args"],
  check(dy, args) {
    const op = "discretizeBackward";
    const sizes = checkDiscretize(op, args);
    checkF32(op, "dy", dy);
    const [expected, found] = [formatShape(sizes.shape), formatShape(dy.shape)];
    if (found !== expected) fail("SHAPE", op, `dy must be ${expected}, got ${found}`);
    return sizes;
  },
} satisfies OpDefinition<DiscretizeBackwardOp["discretizeBackward"]>;

/** Returns the sizes with defaults for `min` and `max`, and the shape of the result. */
function checkDiscretize(
  op: string,
  { dt, bias, A, min = 0, max = Infinity }: DiscretizeArgs,
): { rows: number; heads: number; min: number; max: number; shape: Shape } {
  checkF32(op, "dt", dt);
  const heads = lastExtent(dt.shape);
  const vectors = {
    A: { tensor: A, axes: "H", dense: true },
    bias: { tensor: bias, axes: "H", dense: true },
  } as const;
  bindAxes(op, vectors, { H: heads });
  checkNotNegative(op, "min", min);
  if (!(max >= min)) fail("ARGUMENT", op, `max must be a number >= min = ${min}, got ${max}`);
  return { rows: rowCount(dt), heads, min, max, shape: [...dt.shape.slice(0, -1), 2 * heads] };
}
