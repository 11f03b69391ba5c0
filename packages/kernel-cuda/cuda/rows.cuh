#pragma once
// Addresses in rows of `width` elements that start `stride` apart, for GPU kernels whose threads compute elements of a dense
// result.

#include "common.cuh"

constexpr uint32_t kRowsBlock = 256;

// The offset in the strided rows of element i of the dense rows.
__device__ inline size_t placeOf(size_t i, uint32_t width, uint32_t stride) {
  if (stride == width) return i;
  // A 64-bit division takes several times as long.
  if (i <= 0xffffffffu) return (size_t)((uint32_t)i / width) * stride + (uint32_t)i % width;
  return i / width * stride + i % width;
}

__device__ inline bool isAligned(const void* p, uint32_t bytes) { return reinterpret_cast<uintptr_t>(p) % bytes == 0; }

// True when four consecutive elements of the dense rows can be loaded at once from the strided rows.
__device__ inline bool fourAtOnce(const void* p, uint32_t width, uint32_t stride, uint32_t elementBytes) {
  return isAligned(p, 4 * elementBytes) && (stride == width || (width % 4 == 0 && stride % 4 == 0));
}
