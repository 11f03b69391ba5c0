#include "elementwise.cuh"

// y = tanh(x)
extern "C" __global__ void __launch_bounds__(kRowsBlock)
    tanhEach(const float* __restrict__ x, float* __restrict__ y, uint32_t rows, uint32_t width, uint32_t stride) {
  unary(x, y, rows, width, stride, [](float v) { return tanhf(v); });
}
