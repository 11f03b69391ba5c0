#pragma once
// Rows of `width` elements that start `stride` apart, in kernels that give each thread elements of the dense result.

#include "common.cuh"

constexpr uint32_t kRowsBlock = 256;

// Where element i of the dense rows stands in the strided ones.
__device__ inline size_t placeOf(size_t i, uint32_t width, uint32_t stride) {
  if (stride == width) return i;
  // Division of 64 bits takes several times as long.
  if (i <= 0xffffffffu) return (size_t)((uint32_t)i / width) * stride + (uint32_t)i % width;
  return i / width * stride + i % width;
}

__device__ inline bool isAligned(const void* p, uint32_t bytes) { return reinterpret_cast<uintptr_t>(p) % bytes == 0; }

// Whether four elements that follow each other in the dense rows can be loaded at once from the strided ones.
__device__ inline bool fourAtOnce(const void* p, uint32_t width, uint32_t stride, uint32_t elementBytes) {
  return isAligned(p, 4 * elementBytes) && (stride == width || (width % 4 == 0 && stride % 4 == 0));
}
