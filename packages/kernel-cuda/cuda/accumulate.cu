#include "rows.cuh"

// target += x * factor over rows of `width` columns that start `targetStride` and `xStride` apart. Each block computes 1,024
// elements.
extern "C" __global__ void __launch_bounds__(kRowsBlock)
    accumulate(float* target, const float* x, uint32_t rows, uint32_t width, uint32_t targetStride, uint32_t xStride,
               float factor) {
  const size_t count = (size_t)rows * width;
  const size_t block = (size_t)blockIdx.x * (4 * kRowsBlock);
  const bool four =
      fourAtOnce(target, width, targetStride, sizeof(float)) && fourAtOnce(x, width, xStride, sizeof(float));
  if (four && block + 4 * kRowsBlock <= count) {
    const size_t i = block + 4 * threadIdx.x;
    float4* to = reinterpret_cast<float4*>(target + placeOf(i, width, targetStride));
    const float4 v = load4<F32>(x + placeOf(i, width, xStride));
    float4 sum = *to;
    sum.x += v.x * factor;
    sum.y += v.y * factor;
    sum.z += v.z * factor;
    sum.w += v.w * factor;
    *to = sum;
    return;
  }
#pragma unroll
  for (uint32_t k = 0; k < 4; k++) {
    const size_t i = block + k * kRowsBlock + threadIdx.x;
    if (i < count) target[placeOf(i, width, targetStride)] += x[placeOf(i, width, xStride)] * factor;
  }
}
