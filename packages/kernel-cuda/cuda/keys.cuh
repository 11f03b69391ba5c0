#pragma once
// Sortable integer keys of logits, and the argmax of a row.

#include "common.cuh"

constexpr uint32_t kNanKey = 0xffffffffu;

// An integer that is larger for larger numbers. Zeros of both signs have the same key, NaN has the largest; all keys are above
// 0.
__device__ inline uint32_t keyOf(float x) {
  const uint32_t bits = bitsOf(x);
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return kNanKey;
  if (magnitude == 0) return 0x80000000u;
  return bits == magnitude ? bits | 0x80000000u : ~bits;
}

// The number that has the key.
__device__ inline float numberOf(uint32_t key) { return floatOf(key & 0x80000000u ? key ^ 0x80000000u : ~key); }

// As the largest key of a row, a finite one says that the row has no NaN and no +infinity, and that not all of it is -infinity.
__device__ inline bool isFiniteKey(uint32_t key) { return key > 0x007fffffu && key < 0xff800000u; }

struct Min {
  template <typename T>
  static __device__ inline T of(T a, T b) {
    return a < b ? a : b;
  }
};

// Returns the lowest index of the largest logit of a row to every thread of the block, -1 unless the largest is finite.
// `scratch` is shared memory of 32 words.
__device__ inline int32_t argmaxOf(const float* __restrict__ row, uint32_t count, uint32_t* scratch) {
  uint32_t key = 0;
  uint32_t index = 0;
#pragma unroll 4
  for (uint32_t i = threadIdx.x; i < count; i += blockDim.x) {
    const uint32_t next = keyOf(row[i]);
    if (next > key) {
      key = next;
      index = i;
    }
  }
  const uint32_t largest = blockReduce<Max>(key, 0u, scratch);
  const uint32_t lowest = blockReduce<Min>(key == largest ? index : 0xffffffffu, 0xffffffffu, scratch);
  return isFiniteKey(largest) ? (int32_t)lowest : -1;
}
