#include "common.cuh"

constexpr uint32_t kConvLongest = 16;
constexpr uint32_t kConvStepBlock = 64;

// causalConv1d for one token: y[b,d] = act(bias[d] + sum_k weight[d,k] * input[k]), where `input` is the W-1 inputs of the
// state followed by x. The state drops its oldest input and appends x. Each block computes 64 channels of a row.
extern "C" __global__ void __launch_bounds__(kConvStepBlock)
    causalConv1dStep(const float* __restrict__ x, const float* __restrict__ weight, const float* __restrict__ bias,
                     float* __restrict__ state, float* __restrict__ y, uint32_t channels, uint32_t width,
                     uint32_t xStride, uint32_t activate) {
  const uint32_t groups = (channels + kConvStepBlock - 1) / kConvStepBlock;
  const uint32_t b = blockIdx.x / groups;
  const uint32_t d = (blockIdx.x % groups) * kConvStepBlock + threadIdx.x;
  if (d >= channels) return;
  const size_t i = (size_t)b * channels + d;
  const uint32_t kept = width - 1;
  float* held = state + i * kept;
  const float* taps = weight + (size_t)d * width;
  const float newest = x[(size_t)b * xStride + d];
  float sum = bias == nullptr ? 0.0f : bias[d];
  float old[kConvLongest - 1];
  // All loads are issued before the first store.
#pragma unroll
  for (uint32_t k = 0; k < kConvLongest - 1; k++) {
    if (k < kept) {
      old[k] = held[k];
      sum += taps[k] * old[k];
    }
  }
  sum += taps[kept] * newest;
#pragma unroll
  for (uint32_t k = 1; k < kConvLongest - 1; k++) {
    if (k < kept) held[k - 1] = old[k];
  }
  held[kept - 1] = newest;
  y[i] = activate ? siluOf(sum) : sum;
}
