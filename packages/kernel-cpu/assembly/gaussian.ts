import { expLanes, expOfSum, sigmoidComplement } from "./exponentials.ts";
import { madd } from "./lanes.ts";

// gelu (Hendrycks & Gimpel 2016) and its derivative, with the distribution function P and the density p of the normal distribution:
//
//   gelu(x) = x · P(x)                  gelu'(x) = P(x) + x · p(x),   p(x) = exp(-x² / 2) / sqrt(2π)
//
// P(-a) = exp(-a² / 2) · M(a) for a >= 0, and P(a) = 1 - P(-a), so that nothing cancels in either tail. M is
// erfcx(a / sqrt(2)) / 2, which falls slowly from 1/2: a quotient of two polynomials with positive coefficients has an
// error of 6e-9 up to a = 14.5, where exp(-a² / 2) is 0 in float32.

/** Larger magnitudes of x change neither P nor p. */
const LARGEST: f32 = 14.0;

/** exp(-a² / 2), with the error of the square corrected: the upper half of the digits of `a` has an exact square. */
@inline
function bell(a: v128): v128 {
  const high = v128.and(a, i32x4.splat(0xfffff000));
  // From -87.3 down the exponential is 0.
  const main = f32x4.pmax(f32x4.mul(f32x4.mul(high, high), f32x4.splat(-0.5)), f32x4.splat(-87.3));
  const rest = f32x4.mul(f32x4.mul(f32x4.sub(a, high), f32x4.add(a, high)), f32x4.splat(-0.5));
  return expOfSum(main, rest);
}

/** P(-a), given e = exp(-a² / 2). */
@inline
function lowerTail(a: v128, e: v128): v128 {
  let p = madd(a, f32x4.splat(0.004116337932931955), f32x4.splat(0.04063341036601017));
  p = madd(a, p, f32x4.splat(0.1832356647145766));
  p = madd(a, p, f32x4.splat(0.43829563150699624));
  p = madd(a, p, f32x4.splat(0.5));
  let q = madd(a, f32x4.splat(0.010318009309181218), f32x4.splat(0.10185930226521042));
  q = madd(a, q, f32x4.splat(0.4694720255834301));
  q = madd(a, q, f32x4.splat(1.2025052818439683));
  q = madd(a, q, f32x4.splat(1.6744762442766226));
  q = madd(a, q, f32x4.splat(1.0));
  return f32x4.div(f32x4.mul(e, p), q);
}

/**
 * gelu(x) = max(x, 0) - |x| · P(-|x|), which is x · P(x). Measured against float64: relative error <= 1.4e-6 for x >= -13, and
 * error <= 1e-7 · max(|x|, 1).
 */
@inline
export function geluLanes(x: v128): v128 {
  const a = f32x4.pmin(f32x4.abs(x), f32x4.splat(LARGEST));
  return f32x4.sub(f32x4.pmax(x, f32x4.splat(0)), f32x4.mul(a, lowerTail(a, bell(a))));
}

/** gelu'(x): P(-a) - a · p(a) for negative x, with a = |x|, and 1 minus that for others. Measured against float64: error <= 1.5e-7. */
@inline
export function geluDerivative(x: v128): v128 {
  const a = f32x4.pmin(f32x4.abs(x), f32x4.splat(LARGEST));
  const e = bell(a);
  const below = madd(f32x4.mul(a, f32x4.splat(-0.3989422804014327)), e, lowerTail(a, e));
  return v128.bitselect(below, f32x4.sub(f32x4.splat(1.0), below), f32x4.lt(x, f32x4.splat(0)));
}

// The approximation 0.5 · x · (1 + tanh(u)) with u = sqrt(2 / π) · (x + 0.044715 · x³) is x · sigmoid(2u).

/** 2 · sqrt(2 / π) */
const SLOPE: f32 = 1.5957691216057308;
const CUBIC: f32 = 0.044715;

/** exp(-2u) */
@inline
function geluPower(x: v128): v128 {
  const factor = madd(f32x4.mul(x, x), f32x4.splat(-SLOPE * CUBIC), f32x4.splat(-SLOPE));
  return expLanes(f32x4.mul(x, factor));
}

/** Measured against float64: error <= 1.2e-7 · max(|x|, 1). */
@inline
export function geluTanhLanes(x: v128): v128 {
  return f32x4.div(x, f32x4.add(f32x4.splat(1.0), geluPower(x)));
}

/** The derivative s · (1 + x · (1 - s) · 2u') with s = sigmoid(2u). Measured against float64: error <= 2.4e-7. */
@inline
export function geluTanhDerivative(x: v128): v128 {
  const one = f32x4.splat(1.0);
  // From |x| = 20 on the derivative is 0 or 1; the bound keeps x² and x · 0 finite.
  const bounded = bound(x, 20.0);
  const e = geluPower(bounded);
  const s = f32x4.div(one, f32x4.add(one, e));
  const square = f32x4.mul(bounded, bounded);
  const slope = f32x4.mul(bounded, madd(square, f32x4.splat(3.0 * SLOPE * CUBIC), f32x4.splat(SLOPE)));
  return f32x4.mul(s, madd(slope, sigmoidComplement(e, s), one));
}

/** x, at most `limit` in magnitude; NaN stays. */
@inline
function bound(x: v128, limit: f32): v128 {
  return f32x4.pmin(f32x4.pmax(x, f32x4.splat(-limit)), f32x4.splat(limit));
}
