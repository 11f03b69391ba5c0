#include "rotary.cuh"

// dangle = sum over heads that share it of dyb (a cos - b sin) - dya (a sin + b cos), negated when the rotation is inverse.
// One thread per angle.
extern "C" __global__ void __launch_bounds__(256)
    rotaryBackwardAngles(const float* __restrict__ dy, const float* __restrict__ x, const float* __restrict__ angles,
                         float* __restrict__ dAngles, RotarySizes size, uint32_t dyStride) {
  const uint32_t each = size.anglesPerHead ? size.heads * size.pairs : size.pairs;
  const size_t i = (size_t)blockIdx.x * 256 + threadIdx.x;
  if (i >= (size_t)size.rows * each) return;
  const size_t row = i / each;
  const uint32_t pair = (uint32_t)(i % each) % size.pairs;
  const uint32_t first = (uint32_t)(i % each) / size.pairs;
  const uint32_t end = size.anglesPerHead ? first + 1 : size.heads;
  const float2 turn = turnAt(angles, size, row, first, pair);
  float sum = 0.0f;
  for (uint32_t h = first; h < end; h++) {
    const uint2 at = pairOf(size, h, pair);
    const float a = x[row * size.xStride + at.x];
    const float b = x[row * size.xStride + at.y];
    const float flowA = dy[row * dyStride + at.x];
    const float flowB = dy[row * dyStride + at.y];
    sum += flowB * (a * turn.x - b * turn.y) - flowA * (a * turn.y + b * turn.x);
  }
  dAngles[i] = size.inverse ? -sum : sum;
}
