#include "common.cuh"

// dx = y * (dy - sum(dy * y)) over each row. One block per row; the second read of the row hits the cache.
extern "C" __global__ void __launch_bounds__(1024)
    softmaxBackward(const float* __restrict__ dy, const float* __restrict__ y, float* __restrict__ dx, uint32_t width,
                    uint32_t dyStride, uint32_t yStride) {
  __shared__ float scratch[kWarp];
  const float* flow = dy + (size_t)blockIdx.x * dyStride;
  const float* row = y + (size_t)blockIdx.x * yStride;
  float* to = dx + (size_t)blockIdx.x * width;
  float dot = 0.0f;
  for (uint32_t i = threadIdx.x; i < width; i += blockDim.x) dot += flow[i] * row[i];
  dot = blockSum(dot, scratch);
  for (uint32_t i = threadIdx.x; i < width; i += blockDim.x) to[i] = row[i] * (flow[i] - dot);
}
