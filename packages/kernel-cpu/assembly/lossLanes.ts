import { expLanes, softplusOf } from "./exponentials.ts";
import { madd } from "./lanes.ts";

// The losses of elementLoss and their gradients on four lanes, with x the prediction, t the target and d = x - t:
//
//   squared error          d²                                       2 d
//   Huber                  m · (|d| - m / 2), m = min(|d|, delta)   clamp(d, -delta, delta)
//   binary cross-entropy   max(x, 0) - x t + log1p(exp(-|x|))       sigmoid(x) - t
//   quantile, of level q   max(-q d, (1 - q) d)                     -q below the target, 1 - q above, 0 at it

export const SQUARED_ERROR: i32 = 0;
export const HUBER: i32 = 1;
export const BINARY_CROSS_ENTROPY: i32 = 2;
export const QUANTILE: i32 = 3;

/** exp(-|x|), which the binary cross-entropy and its gradient need; 0 for other losses. */
@inline
export function lossPower(kind: i32, x: v128): v128 {
  return kind == BINARY_CROSS_ENTROPY ? expLanes(f32x4.neg(f32x4.abs(x))) : f32x4.splat(0);
}

/**
 * @param p delta, or the levels of the lanes
 * @param e lossPower
 */
@inline
export function lossLanes(kind: i32, x: v128, t: v128, p: v128, e: v128): v128 {
  const zero = f32x4.splat(0);
  const d = f32x4.sub(x, t);
  if (kind == SQUARED_ERROR) return f32x4.mul(d, d);
  if (kind == HUBER) {
    const size = f32x4.abs(d);
    const m = f32x4.pmin(size, p);
    return f32x4.mul(m, madd(m, f32x4.splat(-0.5), size));
  }
  if (kind == BINARY_CROSS_ENTROPY) {
    // max(x, 0) - x t as a product: the difference cancels for large x and t = 1.
    const step = v128.and(f32x4.splat(1), f32x4.gt(x, zero));
    return madd(x, f32x4.sub(step, t), softplusOf(f32x4.neg(f32x4.abs(x)), e));
  }
  const above = f32x4.mul(f32x4.sub(f32x4.splat(1), p), d);
  return f32x4.max(f32x4.neg(f32x4.mul(p, d)), above);
}

@inline
export function lossGradient(kind: i32, x: v128, t: v128, p: v128, e: v128): v128 {
  const zero = f32x4.splat(0);
  const one = f32x4.splat(1);
  const d = f32x4.sub(x, t);
  if (kind == SQUARED_ERROR) return f32x4.add(d, d);
  if (kind == HUBER) return f32x4.pmin(f32x4.pmax(d, f32x4.neg(p)), p);
  if (kind == BINARY_CROSS_ENTROPY) {
    // With q = sigmoid(-|x|): (1 - t) - q for positive x, q - t for others, so that nothing cancels for t = 0 and t = 1.
    const q = f32x4.div(e, f32x4.add(e, one));
    return v128.bitselect(f32x4.sub(f32x4.sub(one, t), q), f32x4.sub(q, t), f32x4.gt(x, zero));
  }
  // d itself is 0 at the target, and stays where it is NaN.
  const side = v128.bitselect(f32x4.sub(one, p), f32x4.neg(p), f32x4.gt(d, zero));
  return v128.bitselect(side, d, v128.or(f32x4.gt(d, zero), f32x4.lt(d, zero)));
}
