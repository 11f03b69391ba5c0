#include "common.cuh"

// y[i] = sum_s partial[s, i] + bias[i % width]: the second stage of a sum over chunks. partial [chunks, count] is added in the
// order of the chunks; bias [width] may be null. y may be the same memory as partial when there is one chunk.
extern "C" __global__ void __launch_bounds__(256)
    addPartials(const float* partial, const float* bias, float* y, uint32_t count, uint32_t chunks, uint32_t width) {
  const size_t step = (size_t)gridDim.x * blockDim.x;
  for (size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += step) {
    float sum = 0.0f;
    for (uint32_t s = 0; s < chunks; s++) sum += partial[(size_t)s * count + i];
    if (bias != nullptr) sum += bias[(uint32_t)i % width];
    y[i] = sum;
  }
}
