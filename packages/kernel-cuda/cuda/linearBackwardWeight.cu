#include "gemm.cuh"

// dWeight = dyᵀ · x: dy [rows, O], x [rows, I], their rows `dyStride` and `xStride` apart, dWeight [O, I]. The rows are the
// depth, which may be shared out (see gemm.cuh and addPartials.cu).
template <uint32_t Tile>
__device__ void linearBackwardWeightTile(const float* dy, const float* x, float* dWeight, uint32_t rows, uint32_t inFeatures,
                                         uint32_t outFeatures, uint32_t dyStride, uint32_t xStride, uint32_t share) {
  const Operand<F32> A = {dy, dyStride, outFeatures};
  const Operand<F32> B = {x, xStride, inFeatures};
  gemmTile<Tile, F32, Lie::Across, F32, Lie::Across>(A, B, nullptr, dWeight, rows, share);
}

extern "C" __global__ void __launch_bounds__(256, 2)
    linearBackwardWeight128(const float* dy, const float* x, float* dWeight, uint32_t rows, uint32_t inFeatures,
                            uint32_t outFeatures, uint32_t dyStride, uint32_t xStride, uint32_t share) {
  linearBackwardWeightTile<128>(dy, x, dWeight, rows, inFeatures, outFeatures, dyStride, xStride, share);
}

extern "C" __global__ void __launch_bounds__(128, 4)
    linearBackwardWeight64(const float* dy, const float* x, float* dWeight, uint32_t rows, uint32_t inFeatures,
                           uint32_t outFeatures, uint32_t dyStride, uint32_t xStride, uint32_t share) {
  linearBackwardWeightTile<64>(dy, x, dWeight, rows, inFeatures, outFeatures, dyStride, xStride, share);
}
