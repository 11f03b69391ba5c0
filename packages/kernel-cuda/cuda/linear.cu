#include "fewRows.cuh"
#include "gemm.cuh"

// y = x · weightᵀ + bias: x [rows, I] with rows that start `xStride` apart, weight [O, I], bias [O] or null, y [rows, O].

// Many rows: a tiled product. The depth I may be split into chunks (see gemm.cuh and addPartials.cu).

template <typename W, uint32_t Tile>
__device__ void linearTile(const float* x, typename W::Pointer weight, const float* bias, float* y, uint32_t rows,
                           uint32_t inFeatures, uint32_t outFeatures, uint32_t xStride, uint32_t chunkDepth) {
  const Operand<F32> A = {x, xStride, rows};
  const Operand<W> B = {weight, inFeatures, outFeatures};
  gemmTile<Tile, F32, Layout::Along, W, Layout::Along>(A, B, bias, y, inFeatures, chunkDepth);
}

#define MAMBA_LINEAR_TILE(name, W, Tile, blocks)                                                                    \
  extern "C" __global__ void __launch_bounds__(kTileThreads<Tile>, blocks)                                          \
      name(const float* x, const W::Storage* weight, const float* bias, float* y, uint32_t rows, uint32_t inFeatures, \
           uint32_t outFeatures, uint32_t xStride, uint32_t chunkDepth) {                                           \
    linearTile<W, Tile>(x, weight, bias, y, rows, inFeatures, outFeatures, xStride, chunkDepth);                    \
  }

MAMBA_LINEAR_TILE(linearTile128_f32, F32, 128, 2)
MAMBA_LINEAR_TILE(linearTile128_f16, F16, 128, 2)
MAMBA_LINEAR_TILE(linearTile128_bf16, Bf16, 128, 2)
MAMBA_LINEAR_TILE(linearTile64_f32, F32, 64, 4)
MAMBA_LINEAR_TILE(linearTile64_f16, F16, 64, 4)
MAMBA_LINEAR_TILE(linearTile64_bf16, Bf16, 64, 4)

#define MAMBA_LINEAR_TILE_QUANTIZED(name, Tile, blocks)                                                        \
  extern "C" __global__ void __launch_bounds__(kTileThreads<Tile>, blocks)                                     \
      name(const float* x, const uint8_t* weight, const float* bias, float* y, uint32_t rows,                  \
           uint32_t inFeatures, uint32_t outFeatures, uint32_t xStride, uint32_t type, uint32_t chunkDepth) {  \
    const QuantizedNumbers matrix = quantizedMatrix(weight, type, outFeatures, inFeatures);                    \
    linearTile<Quantized, Tile>(x, matrix, bias, y, rows, inFeatures, outFeatures, xStride, chunkDepth);       \
  }

MAMBA_LINEAR_TILE_QUANTIZED(linearTile128_quantized, 128, 2)
MAMBA_LINEAR_TILE_QUANTIZED(linearTile64_quantized, 64, 4)

// Few rows: each weight is read once for all rows. Neither the terms of a sum nor their order depend on the number of rows, so that
// these GPU kernels give a row the same bits whatever the other rows. More rows than `Rows` go in groups of that many, the groups
// of one tile of outputs next to each other.

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
// thread loads 16 bytes of every weight row at a time and issues `Steps` such loads before it uses the first.
template <typename W, uint32_t Rows, uint32_t Outputs, uint32_t Steps>
__device__ void linearFew(const float* x, const typename W::Storage* weight, const float* bias, float* y,
                          uint32_t allRows, uint32_t inFeatures, uint32_t outFeatures, uint32_t xStride, uint32_t lanes) {
  constexpr uint32_t kWide = Wide<W>::kCount;
  __shared__ float partial[kPartialSums<Rows, Outputs>];
  const uint32_t groups = kGemvThreads / lanes;
  const uint32_t lane = threadIdx.x % lanes;
  const uint32_t rowGroups = (allRows + Rows - 1) / Rows;
  const uint32_t tile = blockIdx.x / rowGroups;
  const uint32_t firstRow = blockIdx.x % rowGroups * Rows;
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

#define MAMBA_LINEAR_FEW(name, W, Rows, Outputs, Steps)                                                             \
  extern "C" __global__ void __launch_bounds__(kGemvThreads, 2)                                                     \
      name(const float* x, const W::Storage* weight, const float* bias, float* y, uint32_t rows, uint32_t inFeatures, \
           uint32_t outFeatures, uint32_t xStride, uint32_t lanes) {                                                \
    linearFew<W, Rows, Outputs, Steps>(x, weight, bias, y, rows, inFeatures, outFeatures, xStride, lanes);          \
  }

MAMBA_LINEAR_FEW(linear1_f32, F32, 1, 2, 4)
MAMBA_LINEAR_FEW(linear1_f16, F16, 1, 2, 4)
MAMBA_LINEAR_FEW(linear1_bf16, Bf16, 1, 2, 4)
MAMBA_LINEAR_FEW(linear4_f32, F32, 4, 4, 2)
MAMBA_LINEAR_FEW(linear4_f16, F16, 4, 4, 2)
MAMBA_LINEAR_FEW(linear4_bf16, Bf16, 4, 4, 2)
MAMBA_LINEAR_FEW(linear8_f32, F32, 8, 4, 2)
MAMBA_LINEAR_FEW(linear8_f16, F16, 8, 4, 1)
MAMBA_LINEAR_FEW(linear8_bf16, Bf16, 8, 4, 1)
