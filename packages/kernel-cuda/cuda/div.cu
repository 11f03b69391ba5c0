#include "elementwise.cuh"

// y = a / b
extern "C" __global__ void __launch_bounds__(kRowsBlock)
    divEach(const float* __restrict__ a, const float* __restrict__ b, float* __restrict__ y, uint32_t rows,
        uint32_t width, uint32_t aStride, uint32_t bWidth, uint32_t bStride) {
  binary(a, b, y, {rows, width, aStride, bWidth, bStride}, [](float v, float w) { return v / w; });
}
