#pragma once
// Copies rows of any stride, in any order, to a dense tensor. The unit of a copy is 16, 4 or 2 bytes: the largest that
// divides the rows, their stride and their address.

#include "rows.cuh"

// y[row] = source[from(row)], with widths and strides in units. Each block copies 256 units.
template <typename Unit, typename From>
__device__ inline void copyUnits(const Unit* __restrict__ source, Unit* __restrict__ y, uint32_t rows, uint32_t width,
                                 uint32_t stride, From from) {
  const size_t i = (size_t)blockIdx.x * kRowsBlock + threadIdx.x;
  if (i >= (size_t)rows * width) return;
  const bool small = i <= 0xffffffffu;
  const uint32_t row = small ? (uint32_t)i / width : (uint32_t)(i / width);
  const uint32_t column = small ? (uint32_t)i % width : (uint32_t)(i % width);
  y[i] = source[(size_t)from(row) * stride + column];
}

template <typename From>
__device__ inline void copyRowsFrom(const uint8_t* source, uint8_t* y, uint32_t rows, uint32_t width, uint32_t stride,
                                    uint32_t unit, From from) {
  if (unit == 16) {
    copyUnits(reinterpret_cast<const uint4*>(source), reinterpret_cast<uint4*>(y), rows, width, stride, from);
  } else if (unit == 4) {
    copyUnits(reinterpret_cast<const uint32_t*>(source), reinterpret_cast<uint32_t*>(y), rows, width, stride, from);
  } else {
    copyUnits(reinterpret_cast<const uint16_t*>(source), reinterpret_cast<uint16_t*>(y), rows, width, stride, from);
  }
}
