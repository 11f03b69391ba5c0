#pragma once
// Functions that several GPU kernels use. All of them propagate NaN, and every reduction has a fixed order of summation, so
// equal inputs give equal bits on every run.

#ifdef MAMBA_HOST_CUDA
#include "hostCuda.h"
#else
#include <cuda_fp16.h>
#endif

#include <math.h>
#include <stddef.h>
#include <stdint.h>

constexpr uint32_t kWarp = 32;
constexpr uint32_t kAllLanes = 0xffffffffu;

__device__ inline uint32_t bitsOf(float x) { return __float_as_uint(x); }

__device__ inline float floatOf(uint32_t bits) { return __uint_as_float(bits); }

// Storage types: 16-bit numbers are converted to f32 when they are loaded, which is exact. Arithmetic is in f32.

__device__ inline float f16ToFloat(uint32_t bits) {
#ifdef MAMBA_HOST_CUDA
  const uint32_t sign = (bits & 0x8000u) << 16;
  const uint32_t exponent = (bits >> 10) & 0x1fu;
  const uint32_t mantissa = bits & 0x3ffu;
  if (exponent == 31) return floatOf(sign | 0x7f800000u | (mantissa << 13));
  if (exponent != 0) return floatOf(sign | ((exponent + 112) << 23) | (mantissa << 13));
  const float magnitude = (float)mantissa * (1.0f / 16777216.0f);
  return sign ? -magnitude : magnitude;
#else
  return __half2float(__ushort_as_half((unsigned short)bits));
#endif
}

__device__ inline float bf16ToFloat(uint32_t bits) { return floatOf(bits << 16); }

// f32 to f16, rounded to nearest with ties to even. Numbers above 65504 and half a unit become infinity. A NaN keeps its sign,
// which the device's instruction drops.
__device__ inline uint16_t floatToF16(float x) {
  const uint32_t sign = (bitsOf(x) >> 16) & 0x8000u;
  const uint32_t magnitude = bitsOf(x) & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return (uint16_t)(sign | 0x7e00u);
#ifdef MAMBA_HOST_CUDA
  if (magnitude >= 0x477ff000u) return (uint16_t)(sign | 0x7c00u);
  // Below 2^-14 neighbours are 2^-24 apart, like floats near 0.5: adding 0.5 rounds.
  if (magnitude < 0x38800000u) return (uint16_t)(sign | (bitsOf(floatOf(magnitude) + 0.5f) - 0x3f000000u));
  return (uint16_t)(sign | ((magnitude - 0x38000000u + 0xfffu + ((magnitude >> 13) & 1u)) >> 13));
#else
  return __half_as_ushort(__float2half_rn(x));
#endif
}

// f32 to bf16, the upper half, rounded to nearest with ties to even.
__device__ inline uint16_t floatToBf16(float x) {
  const uint32_t bits = bitsOf(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return (uint16_t)((bits >> 16) | 0x40u);
  return (uint16_t)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

// Storage types as template arguments. `pair` converts the two numbers in a word, the first from its lower half.
struct F32 {
  using Storage = float;
  using Pointer = const float*;
  static __device__ inline float one(float x) { return x; }
};
struct F16 {
  using Storage = uint16_t;
  using Pointer = const uint16_t*;
  static __device__ inline float one(uint16_t bits) { return f16ToFloat(bits); }
  static __device__ inline uint16_t rounded(float x) { return floatToF16(x); }
  static __device__ inline float2 pair(uint32_t word) {
    return make_float2(f16ToFloat(word & 0xffffu), f16ToFloat(word >> 16));
  }
};
struct Bf16 {
  using Storage = uint16_t;
  using Pointer = const uint16_t*;
  static __device__ inline float one(uint16_t bits) { return bf16ToFloat(bits); }
  static __device__ inline uint16_t rounded(float x) { return floatToBf16(x); }
  static __device__ inline float2 pair(uint32_t word) {
    return make_float2(floatOf(word << 16), floatOf(word & 0xffff0000u));
  }
};

template <typename W>
__device__ inline float load(const typename W::Storage* p) {
  return W::one(*p);
}

template <typename W>
struct Four {
  // Two words hold the four numbers.
  static __device__ inline float4 load(const typename W::Storage* p) {
    const uint2 words = *reinterpret_cast<const uint2*>(p);
    const float2 low = W::pair(words.x);
    const float2 high = W::pair(words.y);
    return make_float4(low.x, low.y, high.x, high.y);
  }
};
template <>
struct Four<F32> {
  static __device__ inline float4 load(const float* p) { return *reinterpret_cast<const float4*>(p); }
};

// Loads four consecutive numbers; `p` is aligned to the size of all four.
template <typename W>
__device__ inline float4 load4(const typename W::Storage* p) {
  return Four<W>::load(p);
}

// 1 / (1 + exp(-x)). __fdividef has an error of at most 2 units in the last place. It returns 0 for divisors above 2^126,
// that is for x below -87. The name `sigmoid` belongs to a GPU kernel.
__device__ inline float sigmoidOf(float x) { return __fdividef(1.0f, 1.0f + expf(-x)); }

// x * sigmoid(x). The name `silu` belongs to the GPU kernel.
__device__ inline float siluOf(float x) { return __fdividef(x, 1.0f + expf(-x)); }

// silu'(x) = s (1 + x (1 - s)), s = sigmoid(x). For x > 0, 1 - s is computed as exp(-x) s, because a large x would multiply
// the rounding error of 1 - s.
__device__ inline float siluSlope(float x) {
  const float e = expf(-x);
  const float s = __fdividef(1.0f, 1.0f + e);
  return s * (1.0f + x * (x > 0.0f ? e * s : 1.0f - s));
}

// log(1 + exp(x)). For x > 20 it returns x, which differs by less than half a unit in the last place.
__device__ inline float softplus(float x) { return x > 20.0f ? x : log1pf(expf(x)); }

// softplus'(x) = sigmoid(x), and 1 for x > 20.
__device__ inline float softplusSlope(float x) { return x > 20.0f ? 1.0f : sigmoidOf(x); }

// exp(x), which near 0 is a series (error of the terms left out: 8e-9). The hardware's exponential may be off by 2^-22.5, in
// one direction for all tokens, and a state that decays slowly would accumulate that.
__device__ inline float decayFactor(float x) {
  const float series = fmaf(x, fmaf(x, fmaf(x, fmaf(x, 0.041666668f, 0.16666667f), 0.5f), 1.0f), 1.0f);
  return fabsf(x) < 0.0625f ? series : expf(x);
}

// Operators of the reductions below, which return the same bits to every thread.

struct Sum {
  template <typename T>
  static __device__ inline T of(T a, T b) {
    return a + b;
  }
};
struct Max {
  template <typename T>
  static __device__ inline T of(T a, T b) {
    return a > b ? a : b;
  }
};

// Reduces over each group of `Lanes` adjacent lanes of a warp, a power of two. All lanes of the warp must call it.
template <typename Op, uint32_t Lanes = kWarp, typename T>
__device__ inline T warpReduce(T value) {
#pragma unroll
  for (uint32_t apart = Lanes / 2; apart > 0; apart /= 2) {
    value = Op::of(value, __shfl_xor_sync(kAllLanes, value, apart));
  }
  return value;
}

template <uint32_t Lanes = kWarp>
__device__ inline float warpSum(float value) {
  return warpReduce<Sum, Lanes>(value);
}

// Reduces over the block, whose size is a multiple of 32. `scratch` is shared memory of 32 elements, `none` the neutral
// element of Op. Consecutive calls may use the same scratch.
template <typename Op, typename T>
__device__ inline T blockReduce(T value, T none, T* scratch) {
  const uint32_t lane = threadIdx.x % kWarp;
  const uint32_t warp = threadIdx.x / kWarp;
  value = warpReduce<Op>(value);
  __syncthreads();
  if (lane == 0) scratch[warp] = value;
  __syncthreads();
  return warpReduce<Op>(lane < blockDim.x / kWarp ? scratch[lane] : none);
}

__device__ inline float blockSum(float value, float* scratch) { return blockReduce<Sum>(value, 0.0f, scratch); }
