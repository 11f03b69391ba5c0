#include "elementwise.cuh"

// dx = dy * 2 max(x, 0)
extern "C" __global__ void __launch_bounds__(kRowsBlock)
    reluSquaredBackward(const float* __restrict__ dy, const float* __restrict__ x, float* __restrict__ dx,
                        uint32_t rows, uint32_t width, uint32_t dyStride, uint32_t xWidth, uint32_t xStride) {
  binary(dy, x, dx, {rows, width, dyStride, xWidth, xStride},
         [](float g, float v) { return g * (v <= 0.0f ? 0.0f : 2.0f * v); });
}
