#pragma once
// The end of a product with few rows (linear.cu, linearQuantized.cu).

#include "common.cuh"

constexpr uint32_t kGemvThreads = 256;

// The outputs of a block of threads, in which each group of `lanes` threads computes `Outputs` of them.
struct OutputTile {
  uint32_t lanes;
  // The tile, and its rows of y.
  uint32_t tile;
  uint32_t rows;
  uint32_t outFeatures;
};

constexpr uint32_t kLeastLanes = 8;

// The shared memory of `storeSums`, in floats.
template <uint32_t Rows, uint32_t Outputs>
constexpr uint32_t kPartialSums = kGemvThreads / kLeastLanes * Rows * Outputs;

// Adds the sums of the threads of each group within warps, then over warps when a group has several, always in the same order,
// and stores them with the bias.
template <uint32_t Rows, uint32_t Outputs>
__device__ inline void storeSums(float (&sum)[Rows][Outputs], float* partial, const OutputTile& of, const float* bias,
                                 float* y) {
  const uint32_t lanes = min(of.lanes, kWarp);
  for (uint32_t apart = lanes / 2; apart > 0; apart /= 2) {
#pragma unroll
    for (uint32_t r = 0; r < Rows; r++) {
#pragma unroll
      for (uint32_t o = 0; o < Outputs; o++) sum[r][o] += __shfl_xor_sync(kAllLanes, sum[r][o], apart);
    }
  }
  if (threadIdx.x % lanes == 0) {
#pragma unroll
    for (uint32_t r = 0; r < Rows; r++) {
#pragma unroll
      for (uint32_t o = 0; o < Outputs; o++) partial[(threadIdx.x / lanes * Rows + r) * Outputs + o] = sum[r][o];
    }
  }
  __syncthreads();
  const uint32_t groups = kGemvThreads / of.lanes;
  const uint32_t warps = of.lanes / lanes;
  for (uint32_t i = threadIdx.x; i < groups * Rows * Outputs; i += kGemvThreads) {
    const uint32_t group = i / (Rows * Outputs);
    const uint32_t place = i % (Rows * Outputs);
    const uint32_t r = place / Outputs;
    const uint32_t output = (of.tile * groups + group) * Outputs + place % Outputs;
    float total = 0.0f;
    for (uint32_t w = 0; w < warps; w++) total += partial[(group * warps + w) * Rows * Outputs + place];
    if (r < of.rows && output < of.outFeatures) {
      y[(size_t)r * of.outFeatures + output] = bias == nullptr ? total : total + bias[output];
    }
  }
}
