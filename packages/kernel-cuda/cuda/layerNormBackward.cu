#include "layerNorm.cuh"

constexpr uint32_t kLayerNormBlock = 128;

// With n = (x - mean) / norm, norm = sqrt(var + eps), and g = dy * weight, for each row:
//   dx = (g - mean(g) - n * mean(g * n)) / norm
// and, unless `statistics` [rows, 3] is null, the statistics of the row for layerNormBackwardWeight. One block per row.
extern "C" __global__ void __launch_bounds__(1024)
    layerNormBackward(const float* __restrict__ dy, const float* __restrict__ x, const float* __restrict__ weight,
                      float* __restrict__ dx, float* __restrict__ statistics, uint32_t features, uint32_t dyStride,
                      uint32_t xStride, float eps) {
  __shared__ float scratch[kWarp];
  const float* flow = dy + (size_t)blockIdx.x * dyStride;
  const float* row = x + (size_t)blockIdx.x * xStride;
  float* to = dx + (size_t)blockIdx.x * features;
  const RowStatistics all = statisticsOf(row, features, eps, false, scratch);
  float sum = 0.0f;
  float dot = 0.0f;
  for (uint32_t i = threadIdx.x; i < features; i += blockDim.x) {
    const float g = weight == nullptr ? flow[i] : flow[i] * weight[i];
    sum += g;
    dot += g * all.normal(row[i]);
  }
  const float mean = blockSum(sum, scratch) / (float)features;
  const float along = blockSum(dot, scratch) / (float)features;
  for (uint32_t i = threadIdx.x; i < features; i += blockDim.x) {
    const float g = weight == nullptr ? flow[i] : flow[i] * weight[i];
    to[i] = (g - mean - all.normal(row[i]) * along) * all.scale;
  }
  if (statistics == nullptr || threadIdx.x > 0) return;
  float* out = statistics + (size_t)blockIdx.x * 3;
  out[0] = all.shift;
  out[1] = all.rest;
  out[2] = all.scale;
}

// dWeight [chunks, D] = sums of dy * n over chunks of `chunkRows` rows. One thread per feature and chunk.
extern "C" __global__ void __launch_bounds__(kLayerNormBlock)
    layerNormBackwardWeight(const float* __restrict__ dy, const float* __restrict__ x,
                            const float* __restrict__ statistics, float* __restrict__ dWeight, uint32_t rows,
                            uint32_t features, uint32_t dyStride, uint32_t xStride, uint32_t chunkRows) {
  const uint32_t columnBlocks = (features + kLayerNormBlock - 1) / kLayerNormBlock;
  const uint32_t i = (blockIdx.x % columnBlocks) * kLayerNormBlock + threadIdx.x;
  const uint32_t chunk = blockIdx.x / columnBlocks;
  if (i >= features) return;
  const uint32_t end = min((chunk + 1) * chunkRows, rows);
  float sum = 0.0f;
#pragma unroll 8
  for (uint32_t r = chunk * chunkRows; r < end; r++) {
    const RowStatistics all = {statistics[(size_t)r * 3], statistics[(size_t)r * 3 + 1], statistics[(size_t)r * 3 + 2]};
    sum += dy[(size_t)r * dyStride + i] * all.normal(x[(size_t)r * xStride + i]);
  }
  dWeight[(size_t)chunk * features + i] = sum;
}
