#include "linearFew.cuh"

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

#define MAMBA_LINEAR_FEW(name, W, Rows, Outputs, Steps)                                                             \
  extern "C" __global__ void __launch_bounds__(kGemvThreads, 2)                                                     \
      name(const float* x, const W::Storage* weight, const float* bias, float* y, uint32_t rows, uint32_t inFeatures, \
           uint32_t outFeatures, uint32_t xStride, uint32_t lanes) {                                                \
    linearFew<W, Rows, Outputs, Steps>(x, weight, bias, y, rows, inFeatures, outFeatures, xStride, lanes, blockIdx.x); \
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
