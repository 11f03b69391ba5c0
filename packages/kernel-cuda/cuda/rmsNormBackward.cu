#include "common.cuh"

constexpr uint32_t kNormStrip = 128;

// With n = x / norm, norm = sqrt(mean(x²) + eps), for each row:
//   dx = (dy * weight - n * mean(dy * weight * n)) / norm
// and 1 / norm to `scales` [rows] for the weight, where that is given. A block for each row.
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

// dWeight = sum over rows of dy * x / norm: the sums over `span` rows, to [segments, D]. A thread for each feature of a segment.
extern "C" __global__ void __launch_bounds__(kNormStrip)
    rmsNormBackwardWeight(const float* __restrict__ dy, const float* __restrict__ x, const float* __restrict__ scales,
                          float* __restrict__ dWeight, uint32_t rows, uint32_t features, uint32_t dyStride,
                          uint32_t xStride, uint32_t span) {
  const uint32_t strips = (features + kNormStrip - 1) / kNormStrip;
  const uint32_t i = (blockIdx.x % strips) * kNormStrip + threadIdx.x;
  const uint32_t segment = blockIdx.x / strips;
  if (i >= features) return;
  const uint32_t end = min((segment + 1) * span, rows);
  float sum = 0.0f;
#pragma unroll 8
  for (uint32_t r = segment * span; r < end; r++) {
    sum += dy[(size_t)r * dyStride + i] * (x[(size_t)r * xStride + i] * scales[r]);
  }
  dWeight[(size_t)segment * features + i] = sum;
}
