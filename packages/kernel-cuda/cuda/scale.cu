#include "elementwise.cuh"

// y = x * factor
extern "C" __global__ void __launch_bounds__(kRowsBlock)
    scale(const float* __restrict__ x, float* __restrict__ y, uint32_t rows, uint32_t width, uint32_t stride,
          float factor) {
  unary(x, y, rows, width, stride, [factor](float v) { return v * factor; });
}
