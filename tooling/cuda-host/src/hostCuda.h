// The CUDA C++ that the GPU kernels use, for g++. common.cuh includes it in place of CUDA's headers when MAMBA_HOST_CUDA is
// defined. After preprocessing, transform.mjs rewrites the CUDA syntax that is left: `__shared__` arrays become
// cuda_host::SharedArray, and `extern "C" __global__` functions are registered.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <tuple>
#include <utility>

#include "kernel.h"

#define __device__
#define __host__
#define __constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __align__(bytes) alignas(bytes)

// Built-in variables.

#define threadIdx (cuda_host::block.threadIdx)
#define blockIdx (cuda_host::block.blockIdx)
#define blockDim (cuda_host::block.blockDim)
#define gridDim (cuda_host::block.gridDim)
constexpr int warpSize = 32;

// Barriers and warp operations.

#define CUDA_HOST_HERE (cuda_host::Where{__FILE__, __LINE__})
#define __syncthreads() cuda_host::syncThreads(CUDA_HOST_HERE)
#define __syncwarp(...) cuda_host::syncWarp(cuda_host::maskOr(__VA_ARGS__), CUDA_HOST_HERE)
#define __ballot_sync(mask, predicate) cuda_host::ballot(mask, (predicate) != 0, CUDA_HOST_HERE)
#define __any_sync(mask, predicate) (__ballot_sync(mask, predicate) != 0)
#define __all_sync(mask, predicate) (__ballot_sync(mask, predicate) == 0xffffffffu)
#define __shfl_sync(...) cuda_host::exchange(CUDA_HOST_HERE, cuda_host::Shuffle::Index, __VA_ARGS__)
#define __shfl_up_sync(...) cuda_host::exchange(CUDA_HOST_HERE, cuda_host::Shuffle::Up, __VA_ARGS__)
#define __shfl_down_sync(...) cuda_host::exchange(CUDA_HOST_HERE, cuda_host::Shuffle::Down, __VA_ARGS__)
#define __shfl_xor_sync(...) cuda_host::exchange(CUDA_HOST_HERE, cuda_host::Shuffle::Xor, __VA_ARGS__)

namespace cuda_host {

inline uint32_t maskOr(uint32_t mask = 0xffffffff) { return mask; }

template <typename T>
T exchange(Where where, Shuffle kind, uint32_t mask, T value, uint32_t operand, uint32_t width = 32) {
  static_assert(sizeof(T) % 4 == 0, "shuffles move words of 32 bits");
  uint32_t words[sizeof(T) / 4];
  memcpy(words, &value, sizeof value);
  for (uint32_t& word : words) word = shuffle(kind, mask, word, operand, width, nullptr, where);
  memcpy(&value, words, sizeof value);
  return value;
}

// Registration of GPU kernels.

template <typename Kernel>
struct Signature;

template <typename... Args>
struct Signature<void (*)(Args...)> {
  /** Offset of each argument in the packed bytes, at its natural alignment, then the total size. */
  static constexpr std::array<size_t, sizeof...(Args) + 1> offsets() {
    std::array<size_t, sizeof...(Args) + 1> all{};
    size_t i = 0;
    size_t at = 0;
    ((at = (at + alignof(Args) - 1) / alignof(Args) * alignof(Args), all[i++] = at, at += sizeof(Args)), ...);
    all[i] = at;
    return all;
  }

  template <void (*kernel)(Args...), size_t... I>
  static void call(const uint8_t* bytes, std::index_sequence<I...>) {
    constexpr auto at = offsets();
    std::tuple<Args...> args;
    (memcpy(&std::get<I>(args), bytes + at[I], sizeof(std::get<I>(args))), ...);
    kernel(std::get<I>(args)...);
  }

  template <void (*kernel)(Args...)>
  static void run(const uint8_t* bytes) {
    call<kernel>(bytes, std::index_sequence_for<Args...>());
  }
};

template <auto kernel>
KernelEntry entryOf(const char* name, uint32_t maxThreads = 1024) {
  using Of = Signature<decltype(kernel)>;
  return {name, static_cast<uint32_t>(Of::offsets().back()), maxThreads, &Of::template run<kernel>};
}

}  // namespace cuda_host

// Vector types.

struct alignas(8) float2 {
  float x, y;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
struct alignas(8) uint2 {
  uint32_t x, y;
};
struct alignas(16) uint4 {
  uint32_t x, y, z, w;
};
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline uint2 make_uint2(uint32_t x, uint32_t y) { return {x, y}; }
inline uint4 make_uint4(uint32_t x, uint32_t y, uint32_t z, uint32_t w) { return {x, y, z, w}; }

// Functions.

using std::isfinite;
using std::isinf;
using std::isnan;

inline int min(int a, int b) { return a < b ? a : b; }
inline int max(int a, int b) { return a > b ? a : b; }
inline unsigned min(unsigned a, unsigned b) { return a < b ? a : b; }
inline unsigned max(unsigned a, unsigned b) { return a > b ? a : b; }
inline size_t min(size_t a, size_t b) { return a < b ? a : b; }
inline size_t max(size_t a, size_t b) { return a > b ? a : b; }
inline float min(float a, float b) { return fminf(a, b); }
inline float max(float a, float b) { return fmaxf(a, b); }

inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
inline float __expf(float x) { return expf(x); }
inline float __logf(float x) { return logf(x); }
inline float __fdividef(float a, float b) { return a / b; }
// These are never contracted, on the device or here (-ffp-contract=off).
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __fsqrt_rn(float x) { return sqrtf(x); }

inline uint32_t __float_as_uint(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}
inline float __uint_as_float(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}
inline int __float_as_int(float x) { return static_cast<int>(__float_as_uint(x)); }
inline float __int_as_float(int bits) { return __uint_as_float(static_cast<uint32_t>(bits)); }
inline int __popc(unsigned bits) { return __builtin_popcount(bits); }
inline int __clz(int bits) { return bits == 0 ? 32 : __builtin_clz(static_cast<unsigned>(bits)); }
inline int __ffs(int bits) { return __builtin_ffs(bits); }
/** Each of the four digits of the selector selects a byte of b:a. */
inline uint32_t __byte_perm(uint32_t a, uint32_t b, uint32_t selector) {
  const uint64_t bytes = static_cast<uint64_t>(b) << 32 | a;
  uint32_t result = 0;
  for (uint32_t i = 0; i < 4; i++) {
    result |= static_cast<uint32_t>(bytes >> (8 * (selector >> (4 * i) & 7)) & 0xff) << (8 * i);
  }
  return result;
}

template <typename T>
T __ldg(const T* p) {
  return *p;
}
