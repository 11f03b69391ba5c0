#include "elementwise.cuh"

// dx = dy * y * (1 - y)
extern "C" __global__ void __launch_bounds__(kRowsBlock)
    sigmoidBackward(const float* __restrict__ dy, const float* __restrict__ y, float* __restrict__ dx, uint32_t rows,
                    uint32_t width, uint32_t dyStride, uint32_t yWidth, uint32_t yStride) {
  binary(dy, y, dx, {rows, width, dyStride, yWidth, yStride}, [](float flow, float v) { return flow * v * (1.0f - v); });
}
