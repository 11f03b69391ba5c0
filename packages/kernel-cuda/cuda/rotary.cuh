#pragma once
// Sine and cosine, and the pairs of columns that rotary embeddings turn.

#include "common.cuh"

struct RotarySizes {
  uint32_t rows;
  uint32_t heads;
  uint32_t headDim;
  uint32_t pairs;
  uint32_t xStride;
  uint32_t angleStride;
  // The columns of pair i: i and i + pairs, or 2 i and 2 i + 1.
  uint32_t interleaved;
  // Angles from one head to the next: 0 when all heads share them.
  uint32_t anglesPerHead;
  uint32_t inverse;
};

// (cos x, sin x). x - n pi / 2 with n the nearest integer lies in [-pi / 4, pi / 4], where polynomials (Cephes) have an error
// of less than an ulp. Three floats add up to pi / 2, whose products with n < 2^15 lose nothing in an fma; larger angles are
// reduced in double.
__device__ inline float2 turnOf(float x) {
  const float n = rintf(x * 0.636619772f);
  float r = fmaf(n, -1.57079601e+00f, x);
  r = fmaf(n, -3.13916473e-07f, r);
  r = fmaf(n, -5.39030253e-15f, r);
  int quadrant = (int)n;
  if (!(fabsf(x) < 30000.0f)) {
    const double wide = rint((double)x * 0.63661977236758134308);
    r = (float)fma(wide, -6.1232339957367658e-17, fma(wide, -1.5707963267948966, (double)x));
    quadrant = (int)(wide - 4.0 * floor(wide * 0.25));
  }
  const float square = r * r;
  const float sine = fmaf(r * square, fmaf(square, fmaf(square, -1.9515295891e-4f, 8.3321608736e-3f), -1.6666654611e-1f), r);
  const float high = fmaf(square, fmaf(square, 2.443315711809948e-5f, -1.388731625493765e-3f), 4.166664568298827e-2f);
  const float cosine = fmaf(square * square, high, fmaf(square, -0.5f, 1.0f));
  const bool swapped = (quadrant & 1) != 0;
  const float c = swapped ? sine : cosine;
  const float s = swapped ? cosine : sine;
  return make_float2(((quadrant + 1) & 2) != 0 ? -c : c, (quadrant & 2) != 0 ? -s : s);
}

// The columns of a pair of head h.
__device__ inline uint2 pairOf(const RotarySizes& size, uint32_t h, uint32_t pair) {
  const uint32_t first = h * size.headDim + (size.interleaved ? 2 * pair : pair);
  return make_uint2(first, first + (size.interleaved ? 1 : size.pairs));
}

__device__ inline float2 turnAt(const float* angles, const RotarySizes& size, size_t row, uint32_t h, uint32_t pair) {
  const float2 turn = turnOf(angles[row * size.angleStride + h * size.anglesPerHead + pair]);
  return make_float2(turn.x, size.inverse ? -turn.y : turn.y);
}
