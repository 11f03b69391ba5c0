#include "rows.cuh"

// y = x / sqrt(mean(x²) + eps) * weight, where a null weight means 1. One block per row; the second read of the row hits L1.
extern "C" __global__ void __launch_bounds__(1024, 1)
    rmsNorm(const float* __restrict__ x, const float* __restrict__ weight, float* __restrict__ y, uint32_t features,
            uint32_t stride, float eps) {
  __shared__ float scratch[kWarp];
  const float* row = x + (size_t)blockIdx.x * stride;
  float* to = y + (size_t)blockIdx.x * features;
  const bool four = features % 4 == 0 && stride % 4 == 0 && isAligned(x, 16) && isAligned(weight, 16);
  float squares = 0.0f;
  if (four) {
    for (uint32_t i = 4 * threadIdx.x; i < features; i += 4 * blockDim.x) {
      const float4 v = load4<F32>(row + i);
      squares += (v.x * v.x + v.y * v.y) + (v.z * v.z + v.w * v.w);
    }
  } else {
    for (uint32_t i = threadIdx.x; i < features; i += blockDim.x) squares += row[i] * row[i];
  }
  const float norm = 1.0f / sqrtf(blockSum(squares, scratch) / (float)features + eps);
  if (four) {
    for (uint32_t i = 4 * threadIdx.x; i < features; i += 4 * blockDim.x) {
      const float4 v = load4<F32>(row + i);
      const float4 gain = weight == nullptr ? make_float4(1.0f, 1.0f, 1.0f, 1.0f) : load4<F32>(weight + i);
      *reinterpret_cast<float4*>(to + i) =
          make_float4(v.x * norm * gain.x, v.y * norm * gain.y, v.z * norm * gain.z, v.w * norm * gain.w);
    }
  } else {
    for (uint32_t i = threadIdx.x; i < features; i += blockDim.x) {
      to[i] = row[i] * norm * (weight == nullptr ? 1.0f : weight[i]);
    }
  }
}
