/**
 * exp(x) for x <= 0, two at a time. With n = round(x / ln 2) and r = x - n · ln 2 (ln 2 in two parts, the first short
 * enough for an exact product) it is 2^n times the Taylor polynomial of degree 13 in r, whose error is below 5e-18 for
 * |r| <= ln 2 / 2. Below -708, where the result would be subnormal, and for -inf and NaN it is 0.
 */
@inline
export function expDoubles(x: v128): v128 {
  // 1.5 · 2^52 rounds to an integer; the additional 1023 leaves the biased exponent of 2^n in the low bits.
  const magic = f64x2.splat(6755399441055744.0 + 1023.0);
  const clamped = f64x2.pmax(f64x2.splat(-708), x);
  const shifted = f64x2.add(f64x2.mul(clamped, f64x2.splat(1.4426950408889634)), magic);
  const n = f64x2.sub(shifted, magic);
  let r = f64x2.sub(clamped, f64x2.mul(n, f64x2.splat(0.6931471803691238)));
  r = f64x2.sub(r, f64x2.mul(n, f64x2.splat(1.9082149292705877e-10)));
  // Estrin's scheme: a chain of 13 steps would be limited by latency.
  const r2 = f64x2.mul(r, r);
  const r4 = f64x2.mul(r2, r2);
  const p0 = f64x2.add(linear(r, 1, 1), f64x2.mul(r2, linear(r, 0.5, 1 / 6.0)));
  const p4 = f64x2.add(linear(r, 1 / 24.0, 1 / 120.0), f64x2.mul(r2, linear(r, 1 / 720.0, 1 / 5040.0)));
  const tenth = linear(r, 1 / 3628800.0, 1 / 39916800.0);
  const p8 = f64x2.add(linear(r, 1 / 40320.0, 1 / 362880.0), f64x2.mul(r2, tenth));
  const p12 = linear(r, 1 / 479001600.0, 1 / 6227020800.0);
  const high = f64x2.add(p4, f64x2.mul(r4, f64x2.add(p8, f64x2.mul(r4, p12))));
  const p = f64x2.add(p0, f64x2.mul(r4, high));
  return v128.and(f64x2.mul(p, i64x2.shl(shifted, 52)), f64x2.ge(x, f64x2.splat(-708)));
}

/** c0 + c1 · r */
@inline
function linear(r: v128, c0: f64, c1: f64): v128 {
  return f64x2.add(f64x2.splat(c0), f64x2.mul(f64x2.splat(c1), r));
}
