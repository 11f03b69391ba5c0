#pragma once
// The mean and the variance of a row, by one block of threads.

#include "rows.cuh"

// With d = x - shift, the mean of a row is shift + rest, and scale = 1 / sqrt(var + eps). The mean is kept as two numbers, because
// one f32 loses its lower digits when the mean is much larger than the deviations.
struct RowStatistics {
  float shift;
  float rest;
  float scale;

  // (x - mean) / sqrt(var + eps)
  __device__ inline float normal(float x) const { return ((x - shift) - rest) * scale; }
};

// shift is the mean as f32 computes it, and rest the mean of the deviations from it:
//   var = mean(d²) - mean(d)²
// in which the subtracted term is small. `scratch` is shared memory of 32 elements.
__device__ inline RowStatistics statisticsOf(const float* __restrict__ row, uint32_t features, float eps, bool four,
                                             float* scratch) {
  float sum = 0.0f;
  if (four) {
    for (uint32_t i = 4 * threadIdx.x; i < features; i += 4 * blockDim.x) {
      const float4 v = load4<F32>(row + i);
      sum += (v.x + v.y) + (v.z + v.w);
    }
  } else {
    for (uint32_t i = threadIdx.x; i < features; i += blockDim.x) sum += row[i];
  }
  const float shift = blockSum(sum, scratch) / (float)features;
  float deviations = 0.0f;
  float squares = 0.0f;
  const auto take = [&](float value) {
    const float d = value - shift;
    deviations += d;
    squares += d * d;
  };
  if (four) {
    for (uint32_t i = 4 * threadIdx.x; i < features; i += 4 * blockDim.x) {
      const float4 v = load4<F32>(row + i);
      take(v.x), take(v.y), take(v.z), take(v.w);
    }
  } else {
    for (uint32_t i = threadIdx.x; i < features; i += blockDim.x) take(row[i]);
  }
  const float rest = blockSum(deviations, scratch) / (float)features;
  const float variance = blockSum(squares, scratch) / (float)features - rest * rest;
  return {shift, rest, 1.0f / sqrtf(fmaxf(variance, 0.0f) + eps)};
}
