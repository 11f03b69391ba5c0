// Float arithmetic of PTX. Compiled without contraction, so that two roundings of PTX stay two roundings.
#pragma once

#include "types.h"

namespace ptx {

enum Round { rn, rz, rm, rp };

inline bool isNan(f64 a) { return a != a; }

/**
 * Rounds the exact number value + rest to f32 in a direction, where `value` is that number rounded to the nearest f64 and `rest`
 * the rounding error.
 */
template <Round round>
inline f32 narrow(f64 value, f64 rest) {
  f32 near = f32(value);
  if (round == rn || isNan(value) || __builtin_isinf(value)) return near;
  // Compares `near` with the exact number.
  const f64 over = f64(near) - value;
  const bool above = __builtin_isinf(near) ? near > 0 : over > 0 || (over == 0 && rest < 0);
  const bool below = __builtin_isinf(near) ? near < 0 : over < 0 || (over == 0 && rest > 0);
  const bool positive = value > 0;
  if (above && (round == rm || (round == rz && positive))) return __builtin_nextafterf(near, -__builtin_inff());
  if (below && (round == rp || (round == rz && !positive))) return __builtin_nextafterf(near, __builtin_inff());
  return near;
}

template <Round round>
inline f32 fma(f32 a, f32 b, f32 c) {
  if constexpr (round == rn) return __builtin_fmaf(a, b, c);
  // The product is exact in f64, and so are the sum and its rounding error together (Knuth's two-sum).
  const f64 product = f64(a) * f64(b);
  const f64 sum = product + f64(c);
  // A sum that cancels is -0 when rounding down; the sum of two equal zeros is that zero.
  if (sum == 0) return round == rm && (__builtin_signbit(product) || __builtin_signbit(c)) ? -0.0f : f32(sum);
  const f64 part = sum - product;
  const f64 rest = (product - (sum - part)) + (f64(c) - part);
  return narrow<round>(sum, rest);
}
template <Round round>
inline f32 add(f32 a, f32 b) {
  if constexpr (round == rn) return a + b;
  return fma<round>(a, 1.0f, b);
}
template <Round round>
inline f32 sub(f32 a, f32 b) {
  return add<round>(a, -b);
}
template <Round round>
inline f32 mul(f32 a, f32 b) {
  if constexpr (round == rn) return a * b;
  return narrow<round>(f64(a) * f64(b), 0.0);
}
template <Round round>
inline f32 div(f32 a, f32 b) {
  static_assert(round == rn);
  return a / b;
}
template <Round round>
inline f32 sqrt(f32 a) {
  static_assert(round == rn);
  return __builtin_sqrtf(a);
}

template <Round round>
inline f64 fma(f64 a, f64 b, f64 c) {
  return __builtin_fma(a, b, c);
}
template <Round round>
inline f64 add(f64 a, f64 b) {
  return a + b;
}
template <Round round>
inline f64 sub(f64 a, f64 b) {
  return a - b;
}
template <Round round>
inline f64 mul(f64 a, f64 b) {
  return a * b;
}
template <Round round>
inline f64 div(f64 a, f64 b) {
  return a / b;
}
template <Round round>
inline f64 sqrt(f64 a) {
  return __builtin_sqrt(a);
}

inline f32 absolute(f32 a) { return __builtin_fabsf(a); }
inline f64 absolute(f64 a) { return __builtin_fabs(a); }
inline f32 copy_sign(f32 sign, f32 magnitude) { return __builtin_copysignf(magnitude, sign); }
inline f64 copy_sign(f64 sign, f64 magnitude) { return __builtin_copysign(magnitude, sign); }

// min and max of NaN and a number return the number; -0 is below 0.
template <typename T, typename = std::enable_if_t<std::is_floating_point_v<T>>, typename = void>
inline T minimum(T a, T b) {
  if (isNan(a)) return b;
  if (isNan(b)) return a;
  if (a == b) return __builtin_signbit(a) ? a : b;
  return a < b ? a : b;
}
template <typename T, typename = std::enable_if_t<std::is_floating_point_v<T>>, typename = void>
inline T maximum(T a, T b) {
  if (isNan(a)) return b;
  if (isNan(b)) return a;
  if (a == b) return __builtin_signbit(a) ? b : a;
  return a > b ? a : b;
}

/** Replaces a subnormal number with a zero of the same sign. */
inline f32 ftz(f32 a) { return __builtin_fabsf(a) < 0x1p-126f ? __builtin_copysignf(0.0f, a) : a; }
/** Clamps to [0, 1]; NaN gives 0. */
inline f32 saturate(f32 a) { return a > 0 ? (a < 1 ? a : 1.0f) : 0.0f; }

// Comparisons with NaN: ordered ones are false, unordered ones (…u) are true.

template <typename T>
inline bool compare_eq(T a, T b) {
  return a == b;
}
template <typename T>
inline bool compare_ne(T a, T b) {
  return std::is_floating_point_v<T> ? a < b || a > b : a != b;
}
template <typename T>
inline bool compare_lt(T a, T b) {
  return a < b;
}
template <typename T>
inline bool compare_le(T a, T b) {
  return a <= b;
}
template <typename T>
inline bool compare_gt(T a, T b) {
  return a > b;
}
template <typename T>
inline bool compare_ge(T a, T b) {
  return a >= b;
}
template <typename T>
inline bool compare_equ(T a, T b) {
  return !compare_ne(a, b);
}
template <typename T>
inline bool compare_neu(T a, T b) {
  return a != b;
}
template <typename T>
inline bool compare_ltu(T a, T b) {
  return !(a >= b);
}
template <typename T>
inline bool compare_leu(T a, T b) {
  return !(a > b);
}
template <typename T>
inline bool compare_gtu(T a, T b) {
  return !(a <= b);
}
template <typename T>
inline bool compare_geu(T a, T b) {
  return !(a < b);
}
template <typename T>
inline bool compare_num(T a, T b) {
  return !isNan(a) && !isNan(b);
}
template <typename T>
inline bool compare_nan(T a, T b) {
  return isNan(a) || isNan(b);
}

}  // namespace ptx
