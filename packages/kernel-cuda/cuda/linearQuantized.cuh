#pragma once
#include "fewRows.cuh"
#include "quantized.cuh"

// y = x · weightᵀ + bias for few rows and a quantised weight: see linear.cu. Neither the terms of a sum nor their order
// depend on the number of rows. More rows than `Rows` go in groups of that many, the groups of one tile of outputs next to
// each other. x and its rows are aligned to 16 bytes.

// A group of `lanes` threads, a power of two from 8 to the whole block, computes `Outputs` outputs for up to `Rows` rows. A
// thread takes one unit of 16 numbers of every weight row at a time. `block` is the index of the block of threads within the
// product, whose weight is the rows from `firstRowOfWeight` on of a tensor of `weightRows` rows.
template <typename Q, uint32_t Rows, uint32_t Outputs>
__device__ void linearQuantized(const float* x, const uint8_t* weight, const float* bias, float* y, uint32_t allRows,
                                uint32_t inFeatures, uint32_t outFeatures, uint32_t xStride, uint32_t lanes,
                                uint32_t block, uint32_t firstRowOfWeight, uint32_t weightRows) {
  constexpr uint32_t kUnits = Q::kBlock / kUnit;
  __shared__ float partial[kPartialSums<Rows, Outputs>];
  const uint32_t groups = kGemvThreads / lanes;
  const uint32_t rowGroups = (allRows + Rows - 1) / Rows;
  const uint32_t tile = block / rowGroups;
  const uint32_t firstRow = block % rowGroups * Rows;
  const uint32_t rows = min(allRows - firstRow, Rows);
  x += (size_t)firstRow * xStride;
  y += (size_t)firstRow * outFeatures;
  const uint32_t first = (tile * groups + threadIdx.x / lanes) * Outputs;

  // Outputs past the end read the last output again and are not stored. 32 bits count the blocks of the weight.
  const uint32_t rowBlocks = inFeatures / Q::kBlock;
  const Blocks blocks = {weight, (size_t)rowBlocks * weightRows};
  uint32_t row[Outputs];
#pragma unroll
  for (uint32_t o = 0; o < Outputs; o++) row[o] = rowBlocks * (firstRowOfWeight + min(first + o, outFeatures - 1));
  float sum[Rows][Outputs];
#pragma unroll
  for (uint32_t r = 0; r < Rows; r++) {
#pragma unroll
    for (uint32_t o = 0; o < Outputs; o++) sum[r][o] = 0.0f;
  }

  for (uint32_t at = threadIdx.x % lanes; at < inFeatures / kUnit; at += lanes) {
    const uint32_t unit = at % kUnits;
    typename Q::Words words[Outputs];
#pragma unroll
    for (uint32_t o = 0; o < Outputs; o++) words[o] = Q::load(blocks, row[o] + at / kUnits, unit);
    // Unrolled only for one row, because the code for many rows is long.
#pragma unroll(Rows == 1 ? 4 : 1)
    for (uint32_t i = 0; i < 4; i++) {
      float4 numbers[Outputs];
#pragma unroll
      for (uint32_t o = 0; o < Outputs; o++) numbers[o] = Q::four(words[o], unit, i);
      const float* from = x + at / kUnits * Q::kBlock + Q::column(unit, i);
#pragma unroll
      for (uint32_t r = 0; r < Rows; r++) {
        if (Rows > 1 && r >= rows) break;
        const float4 four = *reinterpret_cast<const float4*>(from + r * xStride);
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
  storeSums(sum, partial, {lanes, tile, rows, outFeatures}, bias, y);
}
