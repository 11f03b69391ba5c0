#pragma once
#include "rows.cuh"

struct DiscretizeSizes {
  uint32_t rows;
  uint32_t heads;
  uint32_t stride;
};

// The weight before it is clamped.
__device__ inline float stepOf(const float* dt, const float* bias, const DiscretizeSizes& size, uint32_t row, uint32_t h) {
  const float value = dt[(size_t)row * size.stride + h];
  return bias == nullptr ? value : value + bias[h];
}
