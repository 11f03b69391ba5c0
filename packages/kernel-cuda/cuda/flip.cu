#include "copyRows.cuh"

// y[b, l] = x[b, L-1-l]
extern "C" __global__ void __launch_bounds__(kRowsBlock)
    flip(const uint8_t* __restrict__ x, uint8_t* __restrict__ y, uint32_t rows, uint32_t width, uint32_t stride,
         uint32_t unit, uint32_t length) {
  copyRowsFrom(x, y, rows, width, stride, unit, [length](uint32_t row) {
    const uint32_t l = row % length;
    return row - l + (length - 1 - l);
  });
}
