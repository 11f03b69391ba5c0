// The types of PTX under their own names, and registers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "../../src/kernel.h"

namespace ptx {

using u8 = uint8_t;
using s8 = int8_t;
using b8 = uint8_t;
using u16 = uint16_t;
using s16 = int16_t;
using b16 = uint16_t;
using f16 = uint16_t;
using u32 = uint32_t;
using s32 = int32_t;
using b32 = uint32_t;
using u64 = uint64_t;
using s64 = int64_t;
using b64 = uint64_t;
using f32 = float;
using f64 = double;
using pred = bool;

/** Reinterprets the bits as another type; of an integer wider than a float, the lower bits. */
template <typename To, typename From>
inline To bits(From from) {
  static_assert(sizeof(To) <= sizeof(From));
  To to;
  memcpy(&to, &from, sizeof to);
  return to;
}

/** Value of a register before its first write: NaN or an invalid address, so that a use shows in the results. */
template <typename T>
inline T garbage() {
  if constexpr (std::is_same_v<T, bool>) {
    return true;
  } else if constexpr (std::is_floating_point_v<T>) {
    return T(__builtin_nan("0x1bad"));
  } else {
    return T(0xbad1bad1bad1bad1ull);
  }
}

inline u32 laneId() { return cuda_host::block.threadIdx.x % 32; }

}  // namespace ptx
