// Conversions of PTX.
#pragma once

#include "floats.h"

namespace ptx {

/** .rni, .rzi, .rmi and .rpi: round to the nearest integer (even on a tie), towards zero, down, up. */
enum RoundToInteger { rni, rzi, rmi, rpi };

template <RoundToInteger round>
inline f64 round_to_integer(f64 a) {
  switch (round) {
    case rni:
      return __builtin_nearbyint(a);
    case rzi:
      return __builtin_trunc(a);
    case rmi:
      return __builtin_floor(a);
    case rpi:
      return __builtin_ceil(a);
  }
}
template <RoundToInteger round>
inline f32 round_to_integer(f32 a) {
  return f32(round_to_integer<round>(f64(a)));
}

/** `a` is an integer, an infinity or NaN; a number out of range gives the nearest in range. */
template <typename T, typename F>
inline T to_integer(F a) {
  constexpr u32 bitCount = 8 * sizeof(T);
  constexpr T highest = std::is_signed_v<T> ? T((u64(1) << (bitCount - 1)) - 1) : T(~u64(0));
  constexpr T lowest = std::is_signed_v<T> ? T(u64(1) << (bitCount - 1)) : T(0);
  if (isNan(a)) {
    // The rule of the CUDA documentation: zero, or only the highest bit when the source or the target has 64 bits.
    return sizeof(T) == 8 || sizeof(F) == 8 ? T(u64(1) << (bitCount - 1)) : T(0);
  }
  // 2^n is exact in both float types; `highest` itself may not be.
  const F beyond = F(u64(1) << (bitCount - (std::is_signed_v<T> ? 1 : 1))) * (std::is_signed_v<T> ? 1 : 2);
  if (a >= beyond) return highest;
  if (a <= F(lowest)) return lowest;
  return T(a);
}

/** Clamps to the target's range. */
template <typename To, typename From>
inline To clamp_to(From a) {
  __extension__ typedef __int128 Wide;
  constexpr u32 bitCount = 8 * sizeof(To);
  constexpr Wide highest = (Wide(1) << (bitCount - (std::is_signed_v<To> ? 1 : 0))) - 1;
  constexpr Wide lowest = std::is_signed_v<To> ? -highest - 1 : 0;
  const Wide value = a;
  return To(value > highest ? highest : value < lowest ? lowest : value);
}

inline f32 half_to_f32(u16 half) {
  const u32 sign = u32(half & 0x8000u) << 16;
  const u32 exponent = (half >> 10) & 0x1fu;
  const u32 fraction = half & 0x3ffu;
  if (exponent == 31) return bits<f32>(sign | 0x7f800000u | fraction << 13);
  if (exponent != 0) return bits<f32>(sign | (exponent + 112) << 23 | fraction << 13);
  return __builtin_copysignf(f32(fraction) * 0x1p-24f, bits<f32>(sign | 0x3f800000u));
}

/** Rounds to nearest even; numbers beyond 65504 by half a step or more give infinity. */
inline u16 f32_to_half(f32 a) {
  const u16 sign = u16((bits<u32>(a) >> 16) & 0x8000u);
  const f32 magnitude = __builtin_fabsf(a);
  if (isNan(a)) return 0x7fff;
  if (magnitude >= 65520.0f) return u16(sign | 0x7c00u);
  // Below 2^-14 the steps are 2^-24. Both scalings are exact; nearbyint rounds.
  if (magnitude < 0x1p-14f) return u16(sign | u16(__builtin_nearbyintf(magnitude * 0x1p24f)));
  const u32 word = bits<u32>(magnitude);
  const u32 kept = (word >> 13) - (112u << 10);
  const u32 rest = word & 0x1fffu;
  const bool up = rest > 0x1000u || (rest == 0x1000u && (kept & 1) != 0);
  return u16(sign | (kept + (up ? 1 : 0)));
}

}  // namespace ptx
