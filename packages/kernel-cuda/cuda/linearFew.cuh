#pragma once
#include "fewRows.cuh"
#include "gemm.cuh"

// Few rows: each weight is read once for all rows. Neither the terms of a sum nor their order depend on the number of rows,
// so that these GPU kernels give a row the same bits whatever the other rows. More rows than `Rows` go in groups of that
// many, the groups of one tile of outputs next to each other.

// 16 bytes of a row of the weight: four f32 numbers or eight 16-bit numbers, converted four at a time.
template <typename W>
struct Wide {
  static constexpr uint32_t kCount = 8;
  static __device__ inline float4 four(uint4 words, uint32_t from) {
    const float2 low = W::pair(from == 0 ? words.x : words.z);
    const float2 high = W::pair(from == 0 ? words.y : words.w);
    return make_float4(low.x, low.y, high.x, high.y);
  }
};
template <>
struct Wide<F32> {
  static constexpr uint32_t kCount = 4;
  static __device__ inline float4 four(uint4 words, uint32_t) {
    return make_float4(floatOf(words.x), floatOf(words.y), floatOf(words.z), floatOf(words.w));
  }
};

// A group of `lanes` threads, a power of two from 8 to the whole block, computes `Outputs` outputs for up to `Rows` rows. Each
// thread loads 16 bytes of every weight row at a time and issues `Steps` such loads before it uses the first. `block` is the
// index of the block of threads within the product.
template <typename W, uint32_t Rows, uint32_t Outputs, uint32_t Steps>
__device__ void linearFew(const float* x, const typename W::Storage* weight, const float* bias, float* y,
                          uint32_t allRows, uint32_t inFeatures, uint32_t outFeatures, uint32_t xStride, uint32_t lanes,
                          uint32_t block) {
  constexpr uint32_t kWide = Wide<W>::kCount;
  __shared__ float partial[kPartialSums<Rows, Outputs>];
  const uint32_t groups = kGemvThreads / lanes;
  const uint32_t lane = threadIdx.x % lanes;
  const uint32_t rowGroups = (allRows + Rows - 1) / Rows;
  const uint32_t tile = block / rowGroups;
  const uint32_t firstRow = block % rowGroups * Rows;
  const uint32_t rows = min(allRows - firstRow, Rows);
  x += (size_t)firstRow * xStride;
  y += (size_t)firstRow * outFeatures;
  const uint32_t first = (tile * groups + threadIdx.x / lanes) * Outputs;

  // Rows and outputs past the end read the last row or output again and are not stored.
  const typename W::Storage* matrix[Outputs];
#pragma unroll
  for (uint32_t o = 0; o < Outputs; o++) matrix[o] = weight + (size_t)min(first + o, outFeatures - 1) * inFeatures;
  float sum[Rows][Outputs];
#pragma unroll
  for (uint32_t r = 0; r < Rows; r++) {
#pragma unroll
    for (uint32_t o = 0; o < Outputs; o++) sum[r][o] = 0.0f;
  }

  const bool wide = reinterpret_cast<uintptr_t>(weight) % 16 == 0 && inFeatures % kWide == 0 && inFours<F32>(x, xStride);
  if (wide) {
    const uint32_t chunks = inFeatures / kWide;
    for (uint32_t from = lane; from < chunks; from += Steps * lanes) {
      uint4 held[Steps][Outputs];
#pragma unroll
      for (uint32_t s = 0; s < Steps; s++) {
        const uint32_t at = min(from + s * lanes, chunks - 1) * kWide;
#pragma unroll
        for (uint32_t o = 0; o < Outputs; o++) held[s][o] = *reinterpret_cast<const uint4*>(matrix[o] + at);
      }
#pragma unroll
      for (uint32_t s = 0; s < Steps; s++) {
        const uint32_t at = (from + s * lanes) * kWide;
        if (from + s * lanes >= chunks) continue;
#pragma unroll 1
        for (uint32_t i = 0; i < kWide; i += 4) {
          float4 numbers[Outputs];
#pragma unroll
          for (uint32_t o = 0; o < Outputs; o++) numbers[o] = Wide<W>::four(held[s][o], i);
#pragma unroll
          for (uint32_t r = 0; r < Rows; r++) {
            const float4 four = *reinterpret_cast<const float4*>(x + (min(r, rows - 1) * xStride + at + i));
#pragma unroll
            for (uint32_t o = 0; o < Outputs; o++) {
              sum[r][o] += numbers[o].x * four.x;
              sum[r][o] += numbers[o].y * four.y;
              sum[r][o] += numbers[o].z * four.z;
              sum[r][o] += numbers[o].w * four.w;
            }
          }
        }
      }
    }
  } else {
    for (uint32_t at = lane; at < inFeatures; at += lanes) {
      float numbers[Outputs];
#pragma unroll
      for (uint32_t o = 0; o < Outputs; o++) numbers[o] = load<W>(matrix[o] + at);
#pragma unroll
      for (uint32_t r = 0; r < Rows; r++) {
        const float value = x[min(r, rows - 1) * xStride + at];
#pragma unroll
        for (uint32_t o = 0; o < Outputs; o++) sum[r][o] += numbers[o] * value;
      }
    }
  }

  storeSums(sum, partial, {lanes, tile, rows, outFeatures}, bias, y);
}
