#include "common.cuh"

// y = exp(x - max(x)) / sum(exp(x - max(x))) over each row. One block per row. The first read computes the maximum and the sum
// together; the second read hits the cache. A row of only -infinity gives 0 / 0 = NaN.
extern "C" __global__ void __launch_bounds__(1024)
    softmax(const float* __restrict__ x, float* __restrict__ y, uint32_t width, uint32_t stride) {
  __shared__ float scratch[kWarp];
  const float* row = x + (size_t)blockIdx.x * stride;
  float* to = y + (size_t)blockIdx.x * width;
  // Starts at the lowest finite number: -infinity minus -infinity would be NaN. fmaxf ignores NaN; the sum propagates it.
  float own = -3.402823466e38f;
  float sum = 0.0f;
  for (uint32_t i = threadIdx.x; i < width; i += blockDim.x) {
    const float value = row[i];
    if (value > own) {
      sum *= expf(own - value);
      own = value;
    }
    sum += expf(value - own);
  }
  const float largest = blockReduce<Max>(own, -3.402823466e38f, scratch);
  const float scale = 1.0f / blockSum(sum * expf(own - largest), scratch);
  for (uint32_t i = threadIdx.x; i < width; i += blockDim.x) to[i] = expf(row[i] - largest) * scale;
}
