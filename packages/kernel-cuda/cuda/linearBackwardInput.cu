#include "gemm.cuh"

// dx = dy · weight: dy [rows, O] with rows that start `dyStride` apart, weight [O, I], dx [rows, I]. The depth O may be split
// into chunks (see gemm.cuh and addPartials.cu).
template <typename W, uint32_t Tile>
__device__ void linearBackwardInputTile(const float* dy, typename W::Pointer weight, float* dx, uint32_t rows,
                                        uint32_t inFeatures, uint32_t outFeatures, uint32_t dyStride,
                                        uint32_t chunkDepth) {
  const Operand<F32> A = {dy, dyStride, rows};
  const Operand<W> B = {weight, inFeatures, inFeatures};
  gemmTile<Tile, F32, Layout::Along, W, Layout::Across>(A, B, nullptr, dx, outFeatures, chunkDepth);
}

#define MAMBA_LINEAR_BACKWARD_INPUT(name, W, Tile, blocks)                                                       \
  extern "C" __global__ void __launch_bounds__(kTileThreads<Tile>, blocks)                                       \
      name(const float* dy, const W::Storage* weight, float* dx, uint32_t rows, uint32_t inFeatures,             \
           uint32_t outFeatures, uint32_t dyStride, uint32_t chunkDepth) {                                       \
    linearBackwardInputTile<W, Tile>(dy, weight, dx, rows, inFeatures, outFeatures, dyStride, chunkDepth);       \
  }

MAMBA_LINEAR_BACKWARD_INPUT(linearBackwardInput128_f32, F32, 128, 2)
MAMBA_LINEAR_BACKWARD_INPUT(linearBackwardInput128_f16, F16, 128, 2)
MAMBA_LINEAR_BACKWARD_INPUT(linearBackwardInput128_bf16, Bf16, 128, 2)
MAMBA_LINEAR_BACKWARD_INPUT(linearBackwardInput64_f32, F32, 64, 4)
MAMBA_LINEAR_BACKWARD_INPUT(linearBackwardInput64_f16, F16, 64, 4)
MAMBA_LINEAR_BACKWARD_INPUT(linearBackwardInput64_bf16, Bf16, 64, 4)

#define MAMBA_LINEAR_BACKWARD_INPUT_QUANTIZED(name, Tile, blocks)                                                   \
  extern "C" __global__ void __launch_bounds__(kTileThreads<Tile>, blocks)                                          \
      name(const float* dy, const uint8_t* weight, float* dx, uint32_t rows, uint32_t inFeatures,                   \
           uint32_t outFeatures, uint32_t dyStride, uint32_t type, uint32_t chunkDepth) {                           \
    const QuantizedNumbers matrix = quantizedMatrix(weight, type, outFeatures, inFeatures);                         \
    linearBackwardInputTile<Quantized, Tile>(dy, matrix, dx, rows, inFeatures, outFeatures, dyStride, chunkDepth);  \
  }

MAMBA_LINEAR_BACKWARD_INPUT_QUANTIZED(linearBackwardInput128_quantized, 128, 2)
MAMBA_LINEAR_BACKWARD_INPUT_QUANTIZED(linearBackwardInput64_quantized, 64, 4)
