// Approximate instructions: PTX only defines an error bound, given beside each (PTX ISA, 9.7.3). Here the error is about as large
// as the bound allows, with a sign that depends on the input. A result that passes here is valid on any hardware within the
// bounds.
#pragma once

#include "floats.h"

namespace ptx {

inline bool coin(f32 a) { return (bits<u32>(a) * 0x9e3779b1u) >> 31 != 0; }
inline bool special(f64 a) { return a == 0 || isNan(a) || __builtin_isinf(a); }

/** Adds an error of `bound`, minus the largest error of rounding to f32. */
inline f32 off_relative(f64 exact, f64 bound, bool up) {
  if (special(exact)) return f32(exact);
  return f32(exact * (up ? 1 + (bound - 0x1p-24) : 1 - (bound - 0x1p-24)));
}
inline f32 off_absolute(f64 exact, f64 bound, bool up) {
  if (special(exact)) return f32(exact);
  const f64 rest = bound - 0x1p-24 * __builtin_fabs(exact);
  return f32(up ? exact + rest : exact - rest);
}
/** Returns one of the two adjacent floats: an error below one unit in the last place. */
inline f32 off_ulp(f64 exact, bool up) { return up ? narrow<rp>(exact, 0.0) : narrow<rm>(exact, 0.0); }

constexpr f64 bound20_9 = 0x1p-20 * 0.5358867312681466;  // 2^-20.9
constexpr f64 bound22_5 = 0x1p-22 * 0.7071067811865476;  // 2^-22.5
constexpr f64 bound22_6 = 0x1p-22 * 0.6597539553864471;  // 2^-22.6
constexpr f64 bound22_9 = 0x1p-22 * 0.5358867312681466;  // 2^-22.9

// 1 ulp.
inline f32 rcp_approx(f32 a) { return off_ulp(1.0 / f64(a), coin(a)); }
// 2^-23, relative.
inline f32 sqrt_approx(f32 a) { return off_ulp(__builtin_sqrt(f64(a)), coin(a)); }
// 2^-22.9, relative.
inline f32 rsqrt_approx(f32 a) { return off_relative(1.0 / __builtin_sqrt(f64(a)), bound22_9, coin(a)); }
// 2^-22.5, relative; exactly 1 for 0.
inline f32 ex2_approx(f32 a) { return a == 0 ? 1.0f : off_relative(__builtin_exp2(f64(a)), bound22_5, coin(a)); }
// 2^-22.6, absolute between 0.5 and 2, else relative.
inline f32 lg2_approx(f32 a) {
  const f64 exact = __builtin_log2(f64(a));
  return a > 0.5f && a < 2.0f ? off_absolute(exact, bound22_6, coin(a)) : off_relative(exact, bound22_6, coin(a));
}
// 2^-20.9, absolute, in [-pi, pi].
inline f32 sin_approx(f32 a) { return off_absolute(__builtin_sin(f64(a)), bound20_9, coin(a)); }
inline f32 cos_approx(f32 a) { return off_absolute(__builtin_cos(f64(a)), bound20_9, coin(a)); }
// 2^-11, relative.
inline f32 tanh_approx(f32 a) { return off_relative(__builtin_tanh(f64(a)), 0x1p-11, coin(a)); }
// 2 ulp.
inline f32 div_full(f32 a, f32 b) {
  const f32 near = a / b;
  if (special(near)) return near;
  return __builtin_nextafterf(near, coin(a) == coin(b) ? __builtin_inff() : -__builtin_inff());
}
// 2 ulp; divisors above 2^126 give 0, as on the hardware.
inline f32 div_approx(f32 a, f32 b) {
  const f32 magnitude = __builtin_fabsf(b);
  if (magnitude > 0x1p126f && !special(b)) {
    if (isNan(a) || __builtin_isinf(a)) return __builtin_nanf("");
    return __builtin_signbit(a) == __builtin_signbit(b) ? 0.0f : -0.0f;
  }
  return div_full(a, b);
}

}  // namespace ptx
