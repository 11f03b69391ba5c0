#pragma once
// Elementwise ops on one tensor or two. Each block computes 1,024 elements of the dense result.

#include "rows.cuh"

template <typename Op>
__device__ inline void unary(const float* __restrict__ x, float* __restrict__ y, uint32_t rows, uint32_t width,
                             uint32_t stride, Op op) {
  const size_t count = (size_t)rows * width;
  const size_t block = (size_t)blockIdx.x * (4 * kRowsBlock);
  if (block + 4 * kRowsBlock <= count && fourAtOnce(x, width, stride, sizeof(float))) {
    const size_t i = block + 4 * threadIdx.x;
    const float4 v = load4<F32>(x + placeOf(i, width, stride));
    *reinterpret_cast<float4*>(y + i) = make_float4(op(v.x), op(v.y), op(v.z), op(v.w));
    return;
  }
#pragma unroll
  for (uint32_t k = 0; k < 4; k++) {
    const size_t i = block + k * kRowsBlock + threadIdx.x;
    if (i < count) y[i] = op(x[placeOf(i, width, stride)]);
  }
}

// The rows of two operands. The rows of b have their own width, because a b that is repeated over the leading axes of a is one
// row of stride 0.
struct BinaryRows {
  uint32_t rows;
  uint32_t width;
  uint32_t aStride;
  uint32_t bWidth;
  uint32_t bStride;
};

template <typename Op>
__device__ inline void binary(const float* __restrict__ a, const float* __restrict__ b, float* __restrict__ y,
                              const BinaryRows& in, Op op) {
  const size_t count = (size_t)in.rows * in.width;
  const size_t block = (size_t)blockIdx.x * (4 * kRowsBlock);
  const bool four =
      fourAtOnce(a, in.width, in.aStride, sizeof(float)) && fourAtOnce(b, in.bWidth, in.bStride, sizeof(float));
  if (four && block + 4 * kRowsBlock <= count) {
    const size_t i = block + 4 * threadIdx.x;
    const float4 v = load4<F32>(a + placeOf(i, in.width, in.aStride));
    const float4 w = load4<F32>(b + placeOf(i, in.bWidth, in.bStride));
    *reinterpret_cast<float4*>(y + i) = make_float4(op(v.x, w.x), op(v.y, w.y), op(v.z, w.z), op(v.w, w.w));
    return;
  }
#pragma unroll
  for (uint32_t k = 0; k < 4; k++) {
    const size_t i = block + k * kRowsBlock + threadIdx.x;
    if (i < count) y[i] = op(a[placeOf(i, in.width, in.aStride)], b[placeOf(i, in.bWidth, in.bStride)]);
  }
}
