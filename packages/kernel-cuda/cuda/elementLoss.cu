#include "rows.cuh"

// The kinds of elementLoss, as src/ops/elementLoss.ts numbers them. x is the prediction, t the target, d = x - t.
constexpr uint32_t kSquaredError = 0;
constexpr uint32_t kHuber = 1;
constexpr uint32_t kBinaryCrossEntropy = 2;

// squaredError         d²
// huber                d² / 2 when |d| <= delta, else delta (|d| - delta / 2)
// binaryCrossEntropy   max(x, 0) - x t + log1p(exp(-|x|))
// quantile             max(-q d, (1 - q) d)
__device__ inline float lossOf(uint32_t kind, float x, float t, float delta, float q) {
  const float d = x - t;
  if (kind == kSquaredError) return d * d;
  if (kind == kHuber) return fabsf(d) <= delta ? 0.5f * d * d : delta * (fabsf(d) - 0.5f * delta);
  if (kind == kBinaryCrossEntropy) return (x > 0.0f ? x : 0.0f) - x * t + log1pf(expf(-fabsf(x)));
  return d > 0.0f ? (1.0f - q) * d : -q * d;
}

// The derivative of lossOf with respect to x.
// binaryCrossEntropy   s - t with s = sigmoid(x), as s (1 - t) - (1 - s) t, in which nothing cancels for t = 0 and t = 1
__device__ inline float slopeOf(uint32_t kind, float x, float t, float delta, float q) {
  const float d = x - t;
  if (kind == kSquaredError) return 2.0f * d;
  if (kind == kHuber) return d > delta ? delta : d < -delta ? -delta : d;
  if (kind == kBinaryCrossEntropy) {
    const float e = expf(-fabsf(x));
    return (x < 0.0f ? e * (1.0f - t) - t : (1.0f - t) - e * t) / (1.0f + e);
  }
  return d > 0.0f ? 1.0f - q : d < 0.0f ? -q : d;
}

// sums[2 b] = the sum of weight * loss, and sums[2 b + 1] = that of the weights, over the 4,096 elements of x of block b. A null
// weight means 1. Element i has the target i / levelCount and the level i % levelCount.
extern "C" __global__ void __launch_bounds__(kRowsBlock)
    elementLoss(const float* __restrict__ x, const float* __restrict__ target, const float* __restrict__ weight,
                const float* __restrict__ levels, float* __restrict__ sums, uint32_t rows, uint32_t width,
                uint32_t stride, uint32_t levelCount, uint32_t kind, float delta) {
  __shared__ float scratch[kWarp];
  const size_t count = (size_t)rows * width;
  const size_t block = (size_t)blockIdx.x * (16 * kRowsBlock);
  float loss = 0.0f;
  float weights = 0.0f;
#pragma unroll 1
  for (uint32_t k = 0; k < 16; k++) {
    const size_t i = block + k * kRowsBlock + threadIdx.x;
    if (i >= count) break;
    const size_t t = levelCount == 1 ? i : i / levelCount;
    const float w = weight == nullptr ? 1.0f : weight[t];
    weights += w;
    const float q = levels == nullptr ? 0.0f : levels[i - t * levelCount];
    // A loss of weight 0 may be NaN.
    if (w != 0.0f) loss += w * lossOf(kind, x[placeOf(i, width, stride)], target[t], delta, q);
  }
  loss = blockSum(loss, scratch);
  weights = blockSum(weights, scratch);
  if (threadIdx.x > 0) return;
  sums[2 * blockIdx.x] = loss;
  sums[2 * blockIdx.x + 1] = weights;
}

// loss[0] = the sum of the losses over that of the weights, 0 when that is 0; total[0] = the sum of the weights. One block.
extern "C" __global__ void __launch_bounds__(1024)
    elementLossMean(const float* __restrict__ sums, float* __restrict__ loss, float* __restrict__ total,
                    uint32_t blocks) {
  __shared__ float scratch[kWarp];
  float losses = 0.0f;
  float weights = 0.0f;
  for (uint32_t i = threadIdx.x; i < blocks; i += blockDim.x) {
    losses += sums[2 * i];
    weights += sums[2 * i + 1];
  }
  losses = blockSum(losses, scratch);
  weights = blockSum(weights, scratch);
  if (threadIdx.x > 0) return;
  loss[0] = weights == 0.0f ? 0.0f : losses / weights;
  total[0] = weights;
}

// dx = weight * slope / total. One thread per element.
extern "C" __global__ void __launch_bounds__(kRowsBlock)
    elementLossGradient(const float* __restrict__ x, const float* __restrict__ target, const float* __restrict__ weight,
                        const float* __restrict__ levels, const float* __restrict__ total, float* __restrict__ dx,
                        uint32_t rows, uint32_t width, uint32_t stride, uint32_t levelCount, uint32_t kind,
                        float delta) {
  const size_t i = (size_t)blockIdx.x * kRowsBlock + threadIdx.x;
  if (i >= (size_t)rows * width) return;
  const size_t t = levelCount == 1 ? i : i / levelCount;
  const float w = weight == nullptr ? 1.0f : weight[t];
  const float q = levels == nullptr ? 0.0f : levels[i - t * levelCount];
  // A slope of weight 0 may be NaN.
  const bool zero = w == 0.0f || total[0] == 0.0f;
  dx[i] = zero ? 0.0f : slopeOf(kind, x[placeOf(i, width, stride)], target[t], delta, q) * (w / total[0]);
}
