#include "copyRows.cuh"

// y[r] = source[r], or with `index`, which selects entries of the first axis, each of them `each` rows of the last axis:
// y[r] = source[index[r / each] * each + r % each]
extern "C" __global__ void __launch_bounds__(kRowsBlock)
    copyRows(const uint8_t* __restrict__ source, const int32_t* __restrict__ index, uint8_t* __restrict__ y,
             uint32_t rows, uint32_t width, uint32_t stride, uint32_t unit, uint32_t each) {
  copyRowsFrom(source, y, rows, width, stride, unit, [index, each](uint32_t row) {
    return index == nullptr ? row : (uint32_t)index[row / each] * each + row % each;
  });
}
