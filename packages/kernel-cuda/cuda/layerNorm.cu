#include "layerNorm.cuh"

// y = (x - mean(x)) / sqrt(var(x) + eps) * weight + bias, where a null weight means 1 and a null bias 0. One block per row; all
// reads of the row but the first hit the cache.
extern "C" __global__ void __launch_bounds__(1024, 1)
    layerNorm(const float* __restrict__ x, const float* __restrict__ weight, const float* __restrict__ bias,
              float* __restrict__ y, uint32_t features, uint32_t stride, float eps) {
  __shared__ float scratch[kWarp];
  const float* row = x + (size_t)blockIdx.x * stride;
  float* to = y + (size_t)blockIdx.x * features;
  const bool four =
      features % 4 == 0 && stride % 4 == 0 && isAligned(x, 16) && isAligned(weight, 16) && isAligned(bias, 16);
  const RowStatistics all = statisticsOf(row, features, eps, four, scratch);
  if (four) {
    for (uint32_t i = 4 * threadIdx.x; i < features; i += 4 * blockDim.x) {
      const float4 v = load4<F32>(row + i);
      const float4 gain = weight == nullptr ? make_float4(1.0f, 1.0f, 1.0f, 1.0f) : load4<F32>(weight + i);
      const float4 more = bias == nullptr ? make_float4(0.0f, 0.0f, 0.0f, 0.0f) : load4<F32>(bias + i);
      *reinterpret_cast<float4*>(to + i) =
          make_float4(all.normal(v.x) * gain.x + more.x, all.normal(v.y) * gain.y + more.y,
                      all.normal(v.z) * gain.z + more.z, all.normal(v.w) * gain.w + more.w);
    }
  } else {
    for (uint32_t i = threadIdx.x; i < features; i += blockDim.x) {
      to[i] = all.normal(row[i]) * (weight == nullptr ? 1.0f : weight[i]) + (bias == nullptr ? 0.0f : bias[i]);
    }
  }
}
