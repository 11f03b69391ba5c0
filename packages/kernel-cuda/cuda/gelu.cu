#include "elementwise.cuh"
#include "gelu.cuh"

// y = x Phi(x)
extern "C" __global__ void __launch_bounds__(kRowsBlock)
    geluErf(const float* __restrict__ x, float* __restrict__ y, uint32_t rows, uint32_t width, uint32_t stride) {
  unary(x, y, rows, width, stride, [](float v) { return GeluErf::value(v); });
}

// y = x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x³))) / 2
extern "C" __global__ void __launch_bounds__(kRowsBlock)
    geluTanh(const float* __restrict__ x, float* __restrict__ y, uint32_t rows, uint32_t width, uint32_t stride) {
  unary(x, y, rows, width, stride, [](float v) { return GeluTanh::value(v); });
}
