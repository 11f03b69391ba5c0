// Integer arithmetic of PTX: it wraps around, and shifts beyond a register's width are defined.
#pragma once

#include "types.h"

namespace ptx {

__extension__ typedef __int128 s128;
__extension__ typedef unsigned __int128 u128;

template <typename T>
constexpr u32 width = 8 * sizeof(T);

template <typename T>
inline T add(T a, T b) {
  return T(u64(a) + u64(b));
}
template <typename T>
inline T sub(T a, T b) {
  return T(u64(a) - u64(b));
}
template <typename T>
inline T negative(T a) {
  return T(0 - u64(a));
}
template <typename T, typename = std::enable_if_t<std::is_integral_v<T>>>
inline T absolute(T a) {
  return a < 0 ? negative(a) : a;
}
template <typename T, typename = std::enable_if_t<std::is_integral_v<T>>>
inline T minimum(T a, T b) {
  return a < b ? a : b;
}
template <typename T, typename = std::enable_if_t<std::is_integral_v<T>>>
inline T maximum(T a, T b) {
  return a > b ? a : b;
}

template <typename T>
inline T mul_lo(T a, T b) {
  return T(u64(a) * u64(b));
}
template <typename T>
inline T mul_hi(T a, T b) {
  using Wide = std::conditional_t<std::is_signed_v<T>, s128, u128>;
  return T((Wide(a) * Wide(b)) >> width<T>);
}
inline u32 mul_wide(u16 a, u16 b) { return u32(a) * u32(b); }
inline s32 mul_wide(s16 a, s16 b) { return s32(a) * s32(b); }
inline u64 mul_wide(u32 a, u32 b) { return u64(a) * u64(b); }
inline s64 mul_wide(s32 a, s32 b) { return s64(a) * s64(b); }

// PTX does not define a division by zero, or the lowest number divided by -1.
template <typename T>
inline T div(T a, T b, int line) {
  if (b == 0) cuda_host::fail("division by zero at PTX line %d", line);
  return std::is_signed_v<T> && b == T(-1) ? negative(a) : T(a / b);
}
template <typename T>
inline T rem(T a, T b, int line) {
  if (b == 0) cuda_host::fail("remainder of a division by zero at PTX line %d", line);
  return std::is_signed_v<T> && b == T(-1) ? T(0) : T(a % b);
}

inline u32 popc(u32 a) { return u32(__builtin_popcount(a)); }
inline u32 popc(u64 a) { return u32(__builtin_popcountll(a)); }
inline u32 clz(u32 a) { return a == 0 ? 32 : u32(__builtin_clz(a)); }
inline u32 clz(u64 a) { return a == 0 ? 64 : u32(__builtin_clzll(a)); }

/** Index of the highest 1 bit, or of the highest 0 bit of a negative number; 0xffffffff when there is none. */
template <typename T>
inline u32 bfind(T a) {
  using U = std::conditional_t<sizeof(T) == 8, u64, u32>;
  const U magnitude = a < 0 ? ~U(a) : U(a);
  return width<T> - 1 - clz(magnitude);
}
/** Distance from the highest such bit to the top bit; 0xffffffff when there is none. */
template <typename T>
inline u32 bfind_shiftamt(T a) {
  const u32 place = bfind(a);
  return place == 0xffffffffu ? place : width<T> - 1 - place;
}
template <typename T>
inline T brev(T a) {
  T reversed = 0;
  for (u32 i = 0; i < width<T>; i++) reversed |= T((a >> i) & 1) << (width<T> - 1 - i);
  return reversed;
}

template <typename T>
inline T shl(T a, u32 count) {
  return count >= width<T> ? T(0) : T(u64(a) << count);
}
template <typename T>
inline T shr(T a, u32 count) {
  return count >= width<T> ? T(a < 0 ? -1 : 0) : T(a >> count);
}
// The 64 bits b:a shifted by count: the upper word of a left shift, the lower word of a right shift.
inline u32 shf_l_clamp(u32 a, u32 b, u32 count) {
  return count >= 32 ? a : u32(((u64(b) << 32 | a) << count) >> 32);
}
inline u32 shf_r_clamp(u32 a, u32 b, u32 count) { return count >= 32 ? b : u32((u64(b) << 32 | a) >> count); }
inline u32 shf_l_wrap(u32 a, u32 b, u32 count) { return shf_l_clamp(a, b, count & 31); }
inline u32 shf_r_wrap(u32 a, u32 b, u32 count) { return shf_r_clamp(a, b, count & 31); }

/** `length` bits from `place` on; a signed field is sign-extended. */
template <typename T>
inline T bfe(T a, u32 place, u32 length) {
  using U = std::make_unsigned_t<T>;
  place &= 0xff;
  length &= 0xff;
  if (length == 0) return 0;
  // Beyond the register, a signed number is continued by its sign.
  const U shifted = U(shr(a, place));
  const u32 kept = length < width<T> ? length : width<T>;
  const U field = kept == width<T> ? shifted : U(shifted & ((U(1) << kept) - 1));
  const u32 signPlace = place + length - 1 < width<T> - 1 ? place + length - 1 : width<T> - 1;
  const bool negativeField = std::is_signed_v<T> && ((U(a) >> signPlace) & 1) != 0;
  return T(negativeField && kept < width<T> ? U(field | ~((U(1) << kept) - 1)) : field);
}
/** b with `length` bits from `place` on replaced by the lower bits of a. */
template <typename T>
inline T bfi(T a, T b, u32 place, u32 length) {
  place &= 0xff;
  length &= 0xff;
  if (place >= width<T> || length == 0) return b;
  const T field = length >= width<T> ? T(~T(0)) : T((T(1) << length) - 1);
  const T mask = T(field << place);
  return T((b & ~mask) | ((a << place) & mask));
}
/** Each digit of the selector selects a byte of b:a; when its highest bit is set, all bits are the sign of that byte. */
inline u32 prmt(u32 a, u32 b, u32 selector) {
  const u64 bytes = u64(b) << 32 | a;
  u32 result = 0;
  for (u32 i = 0; i < 4; i++) {
    const u32 digit = (selector >> (4 * i)) & 0xf;
    const u32 byte = u32(bytes >> (8 * (digit & 7))) & 0xff;
    result |= ((digit & 8) == 0 ? byte : (byte & 0x80) != 0 ? 0xffu : 0u) << (8 * i);
  }
  return result;
}
/** For each bit position, the bit of `table` at index (a, b, c). */
inline u32 lop3(u32 a, u32 b, u32 c, u32 table) {
  u32 result = 0;
  if (table & 0x01) result |= ~a & ~b & ~c;
  if (table & 0x02) result |= ~a & ~b & c;
  if (table & 0x04) result |= ~a & b & ~c;
  if (table & 0x08) result |= ~a & b & c;
  if (table & 0x10) result |= a & ~b & ~c;
  if (table & 0x20) result |= a & ~b & c;
  if (table & 0x40) result |= a & b & ~c;
  if (table & 0x80) result |= a & b & c;
  return result;
}

}  // namespace ptx
