#include "elementwise.cuh"

// dx = dy * silu'(x)
extern "C" __global__ void __launch_bounds__(kRowsBlock)
    siluBackward(const float* __restrict__ dy, const float* __restrict__ x, float* __restrict__ dx, uint32_t rows,
                    uint32_t width, uint32_t dyStride, uint32_t xWidth, uint32_t xStride) {
  binary(dy, x, dx, {rows, width, dyStride, xWidth, xStride}, [](float flow, float v) { return flow * siluSlope(v); });
}
