#include "rows.cuh"

// Rounds dense f32 numbers to a type of 16 bits, to nearest with ties to even. Each block converts 1,024 numbers.
template <typename W>
__device__ inline void copyRounded(const float* __restrict__ source, uint16_t* __restrict__ target, uint32_t rows,
                                   uint32_t width) {
  const size_t count = (size_t)rows * width;
  const size_t block = (size_t)blockIdx.x * (4 * kRowsBlock);
  if (block + 4 * kRowsBlock <= count && isAligned(source, 16) && isAligned(target, 8)) {
    const size_t i = block + 4 * threadIdx.x;
    const float4 v = load4<F32>(source + i);
    *reinterpret_cast<uint2*>(target + i) = make_uint2(W::rounded(v.x) | (uint32_t)W::rounded(v.y) << 16,
                                                       W::rounded(v.z) | (uint32_t)W::rounded(v.w) << 16);
    return;
  }
#pragma unroll
  for (uint32_t k = 0; k < 4; k++) {
    const size_t i = block + k * kRowsBlock + threadIdx.x;
    if (i < count) target[i] = W::rounded(source[i]);
  }
}

extern "C" __global__ void __launch_bounds__(kRowsBlock)
    copyRounded_f16(const float* __restrict__ source, uint16_t* __restrict__ target, uint32_t rows, uint32_t width) {
  copyRounded<F16>(source, target, rows, width);
}

extern "C" __global__ void __launch_bounds__(kRowsBlock)
    copyRounded_bf16(const float* __restrict__ source, uint16_t* __restrict__ target, uint32_t rows, uint32_t width) {
  copyRounded<Bf16>(source, target, rows, width);
}
