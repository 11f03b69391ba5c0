#include "gemm.cuh"

// dWeight = dyᵀ · x: dy [rows, O] and x [rows, I] with rows that start `dyStride` and `xStride` apart, dWeight [O, I]. The
// depth is the number of rows; it may be split into chunks (see gemm.cuh and addPartials.cu).
template <uint32_t Tile>
__device__ void linearBackwardWeightTile(const float* dy, const float* x, float* dWeight, uint32_t rows, uint32_t inFeatures,
                                         uint32_t outFeatures, uint32_t dyStride, uint32_t xStride, uint32_t chunkDepth) {
  const Operand<F32> A = {dy, dyStride, outFeatures};
  const Operand<F32> B = {x, xStride, inFeatures};
  gemmTile<Tile, F32, Layout::Across, F32, Layout::Across>(A, B, nullptr, dWeight, rows, chunkDepth);
}

extern "C" __global__ void __launch_bounds__(256, 2)
    linearBackwardWeight128(const float* dy, const float* x, float* dWeight, uint32_t rows, uint32_t inFeatures,
                            uint32_t outFeatures, uint32_t dyStride, uint32_t xStride, uint32_t chunkDepth) {
  linearBackwardWeightTile<128>(dy, x, dWeight, rows, inFeatures, outFeatures, dyStride, xStride, chunkDepth);
}

extern "C" __global__ void __launch_bounds__(128, 4)
    linearBackwardWeight64(const float* dy, const float* x, float* dWeight, uint32_t rows, uint32_t inFeatures,
                           uint32_t outFeatures, uint32_t dyStride, uint32_t xStride, uint32_t chunkDepth) {
  linearBackwardWeightTile<64>(dy, x, dWeight, rows, inFeatures, outFeatures, dyStride, xStride, chunkDepth);
}
