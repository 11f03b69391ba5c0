#include "rotary.cuh"

// The pairs of columns of each head, turned: (a, b) -> (a cos - b sin, a sin + b cos); other columns are copied. One thread
// per pair or other column of a head.
extern "C" __global__ void __launch_bounds__(256)
    rotary(const float* __restrict__ x, const float* __restrict__ angles, float* __restrict__ y, RotarySizes size) {
  const uint32_t each = size.headDim - size.pairs;
  const size_t i = (size_t)blockIdx.x * 256 + threadIdx.x;
  if (i >= (size_t)size.rows * size.heads * each) return;
  const uint32_t unit = (uint32_t)(i % each);
  const uint32_t h = (uint32_t)(i / each % size.heads);
  const size_t row = i / each / size.heads;
  const float* from = x + row * size.xStride;
  float* to = y + row * size.heads * size.headDim;
  if (unit >= size.pairs) {
    const uint32_t column = h * size.headDim + size.pairs + unit;
    to[column] = from[column];
    return;
  }
  const uint2 at = pairOf(size, h, unit);
  const float2 turn = turnAt(angles, size, row, h, unit);
  const float a = from[at.x];
  const float b = from[at.y];
  to[at.x] = a * turn.x - b * turn.y;
  to[at.y] = a * turn.y + b * turn.x;
}
