#include "rows.cuh"

// dx[index[s, d], d] = dy[s, d], in a dx that is 0 elsewhere. An index that is no position adds nothing. No position stands twice
// in a column of the index, so no two threads write the same element.
extern "C" __global__ void __launch_bounds__(kRowsBlock)
    maxPositionsBackward(const float* __restrict__ dy, const int32_t* __restrict__ index, float* __restrict__ dx,
                         uint32_t sequences, uint32_t features, uint32_t stride, uint32_t positions) {
  const size_t i = (size_t)blockIdx.x * kRowsBlock + threadIdx.x;
  if (i >= (size_t)sequences * features) return;
  const bool small = i <= 0xffffffffu;
  const uint32_t s = small ? (uint32_t)i / features : (uint32_t)(i / features);
  const uint32_t d = (uint32_t)(i - (size_t)s * features);
  // A negative index is a large number here.
  const uint32_t p = (uint32_t)index[i];
  if (p < positions) dx[(size_t)p * features + d] = dy[(size_t)s * stride + d];
}
