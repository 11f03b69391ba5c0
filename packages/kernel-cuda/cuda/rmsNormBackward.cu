#include "common.cuh"

constexpr uint32_t kNormBlock = 128;

// With n = x / norm, norm = sqrt(mean(x²) + eps), for each row:
//   dx = (dy * weight - n * mean(dy * weight * n)) / norm
// and, unless `scales` [rows] is null, scales = 1 / norm for rmsNormBackwardWeight. One block per row.
extern "C" __global__ void __launch_bounds__(1024)
    rmsNormBackward(const float* __restrict__ dy, const float* __restrict__ x, const float* __restrict__ weight,
                    float* __restrict__ dx, float* __restrict__ scales, uint32_t features, uint32_t dyStride,
                    uint32_t xStride, float eps) {
  __shared__ float scratch[kWarp];
  const float* flow = dy + (size_t)blockIdx.x * dyStride;
  const float* row = x + (size_t)blockIdx.x * xStride;
  float* to = dx + (size_t)blockIdx.x * features;
  float squares = 0.0f;
  float dot = 0.0f;
  for (uint32_t i = threadIdx.x; i < features; i += blockDim.x) {
    const float value = row[i];
    squares += value * value;
    dot += value * (weight == nullptr ? flow[i] : flow[i] * weight[i]);
  }
  const float scale = 1.0f / sqrtf(blockSum(squares, scratch) / (float)features + eps);
  const float mean = blockSum(dot, scratch) / (float)features * scale;
  for (uint32_t i = threadIdx.x; i < features; i += blockDim.x) {
    const float g = weight == nullptr ? flow[i] : flow[i] * weight[i];
    to[i] = (g - row[i] * scale * mean) * scale;
  }
  if (scales != nullptr && threadIdx.x == 0) scales[blockIdx.x] = scale;
}

// dWeight [chunks, D] = sums of dy * x / norm over chunks of `chunkRows` rows. One thread per feature and chunk.
extern "C" __global__ void __launch_bounds__(kNormBlock)
    rmsNormBackwardWeight(const float* __restrict__ dy, const float* __restrict__ x, const float* __restrict__ scales,
                          float* __restrict__ dWeight, uint32_t rows, uint32_t features, uint32_t dyStride,
                          uint32_t xStride, uint32_t chunkRows) {
  const uint32_t columnBlocks = (features + kNormBlock - 1) / kNormBlock;
  const uint32_t i = (blockIdx.x % columnBlocks) * kNormBlock + threadIdx.x;
  const uint32_t chunk = blockIdx.x / columnBlocks;
  if (i >= features) return;
  const uint32_t end = min((chunk + 1) * chunkRows, rows);
  float sum = 0.0f;
#pragma unroll 8
  for (uint32_t r = chunk * chunkRows; r < end; r++) {
    sum += dy[(size_t)r * dyStride + i] * (x[(size_t)r * xStride + i] * scales[r]);
  }
  dWeight[(size_t)chunk * features + i] = sum;
}
