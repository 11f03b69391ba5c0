#include "rows.cuh"

// Chris Wellons' lowbias32, a permutation of the 32-bit numbers.
__device__ inline uint32_t mixed(uint32_t h) {
  h ^= h >> 16;
  h *= 0x21f0aaadu;
  h ^= h >> 15;
  h *= 0x735a2d97u;
  return h ^ (h >> 15);
}

// y[i] = hash(i) >= threshold ? x[i] * scale : 0, with hash(i) = mix(mix(i ^ mix(seed + 0x9e3779b9)) + seed). i is the index in
// the dense rows, modulo 2^32. Each block computes 1,024 elements.
extern "C" __global__ void __launch_bounds__(kRowsBlock)
    dropout(const float* __restrict__ x, float* __restrict__ y, uint32_t rows, uint32_t width, uint32_t stride,
            uint32_t seed, uint32_t threshold, float scale) {
  const size_t count = (size_t)rows * width;
  const size_t block = (size_t)blockIdx.x * (4 * kRowsBlock);
  const uint32_t key = mixed(seed + 0x9e3779b9u);
  const auto one = [=](size_t i, float v) {
    return mixed(mixed((uint32_t)i ^ key) + seed) >= threshold ? v * scale : 0.0f;
  };
  if (block + 4 * kRowsBlock <= count && fourAtOnce(x, width, stride, sizeof(float))) {
    const size_t i = block + 4 * threadIdx.x;
    const float4 v = load4<F32>(x + placeOf(i, width, stride));
    *reinterpret_cast<float4*>(y + i) = make_float4(one(i, v.x), one(i + 1, v.y), one(i + 2, v.z), one(i + 3, v.w));
    return;
  }
#pragma unroll
  for (uint32_t k = 0; k < 4; k++) {
    const size_t i = block + k * kRowsBlock + threadIdx.x;
    if (i < count) y[i] = one(i, x[placeOf(i, width, stride)]);
  }
}
