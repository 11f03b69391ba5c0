import { bindAxes } from "../checks/bindAxes.ts";
import { fail } from "../checks/fail.ts";
import { headWidth } from "../checks/heads.ts";
import { checkInteger } from "../checks/scalars.ts";
import { formatShape, lastExtent } from "../dtype.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";

const pairings = ["half", "interleaved"] as const;

/** The columns of a head that form pair i of S: "half" i and i + S, "interleaved" 2i and 2i + 1. */
export type RotaryPairing = (typeof pairings)[number];

/**
 * Rotation of pairs of columns (Su et al. 2021). H heads of Dh columns, S pairs, 2S <= Dh; columns from 2S on are copied:
 * ```
 * (a, b) -> (a cos(angle) - b sin(angle), a sin(angle) + b cos(angle))
 * ```
 */
export interface RotaryArgs {
  /** [B, L, H·Dh] */
  x: Tensor;
  /**
   * In radians: [B, L, S] for all heads, or [B, L, H·S] with `anglesPerHead`. Sine and cosine have an absolute error of at most 2e-7
   * up to |angle| = 1e4; they are NaN for an infinite angle.
   */
  angles: Tensor;
  heads: number;
  pairing: RotaryPairing;
  /** True when each head has angles of its own. Default false. */
  anglesPerHead?: boolean | undefined;
  /** True to rotate by the negative angles, which is also the gradient to `x`. Default false. */
  inverse?: boolean | undefined;
}

export interface RotaryOp {
  /** [B, L, H·Dh]; see `RotaryArgs` for the formula. The gradient to `x` is `rotary` of dy with `inverse` negated. */
  rotary(args: RotaryArgs): Tensor;
}

export interface RotaryBackwardAnglesOp {
  /** The gradient of `rotary` to `angles`, in their shape; summed over the heads that share an angle. */
  rotaryBackwardAngles(dy: Tensor, args: RotaryArgs): Tensor;
}

export const rotary = {
  parameters: ["args"],
  check: (args) => checkRotary("rotary", args),
} satisfies OpDefinition<RotaryOp["rotary"]>;

export const rotaryBackwardAngles = {
  parameters: ["dy", "args"],
  check(dy, args) {
    const op = "rotaryBackwardAngles";
    const sizes = checkRotary(op, args);
    bindAxes(op, { x: { tensor: args.x, axes: "B L X" }, dy: { tensor: dy, axes: "B L X" } });
    return sizes;
  },
} satisfies OpDefinition<RotaryBackwardAnglesOp["rotaryBackwardAngles"]>;

/** Returns the sizes; `pairs` is S. */
function checkRotary(op: string, { x, angles, heads, pairing, anglesPerHead = false }: RotaryArgs) {
  const { B, L } = bindAxes(op, {
    x: { tensor: x, axes: "B L X" },
    angles: { tensor: angles, axes: "B L A" },
  });
  checkInteger(op, "heads", heads, 1, 2 ** 31 - 1);
  if (!pairings.includes(pairing)) {
    fail("ARGUMENT", op, `pairing must be ${pairings.join(" or ")}, got ${JSON.stringify(pairing)}`);
  }
  const headDim = headWidth(op, "x", x, "heads", heads);
  const pairs = anglesPerHead ? headWidth(op, "angles", angles, "heads", heads) : lastExtent(angles.shape);
  if (2 * pairs > headDim) {
    const limit = `at most ${Math.floor(headDim / 2)} pairs in a head of ${headDim} columns`;
    fail("SHAPE", op, `angles must have ${limit}, got ${pairs} in ${formatShape(angles.shape)}`);
  }
  return { batch: B, length: L, heads, headDim, pairs };
}
