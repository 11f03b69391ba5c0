#include "quantized.cuh"
#include "rows.cuh"

// y[i] = weight[clamp(ids[i], 0, V-1)]. Each block computes 1,024 elements of y.

// The index in the weight of element `i` of y.
__device__ inline size_t embeddingPlace(const int32_t* ids, size_t i, uint32_t features, uint32_t vocabSize) {
  const size_t row = i <= 0xffffffffu ? (uint32_t)i / features : i / features;
  const int32_t id = min(max(ids[row], 0), (int32_t)(vocabSize - 1));
  return (size_t)id * features + (i - row * features);
}

template <typename W>
__device__ inline void embeddingOf(const int32_t* __restrict__ ids, const typename W::Storage* __restrict__ weight,
                                   float* __restrict__ y, uint32_t rows, uint32_t features, uint32_t vocabSize) {
  const size_t count = (size_t)rows * features;
  const size_t block = (size_t)blockIdx.x * (4 * kRowsBlock);
  const auto from = [=](size_t i) { return weight + embeddingPlace(ids, i, features, vocabSize); };
  if (features % 4 == 0 && isAligned(weight, 4 * sizeof(typename W::Storage))) {
    const size_t i = block + 4 * threadIdx.x;
    if (i < count) *reinterpret_cast<float4*>(y + i) = load4<W>(from(i));
    return;
  }
#pragma unroll
  for (uint32_t k = 0; k < 4; k++) {
    const size_t i = block + k * kRowsBlock + threadIdx.x;
    if (i < count) y[i] = load<W>(from(i));
  }
}

extern "C" __global__ void __launch_bounds__(kRowsBlock)
    embedding_f32(const int32_t* __restrict__ ids, const float* __restrict__ weight, float* __restrict__ y,
                  uint32_t rows, uint32_t features, uint32_t vocabSize) {
  embeddingOf<F32>(ids, weight, y, rows, features, vocabSize);
}

extern "C" __global__ void __launch_bounds__(kRowsBlock)
    embedding_f16(const int32_t* __restrict__ ids, const uint16_t* __restrict__ weight, float* __restrict__ y,
                  uint32_t rows, uint32_t features, uint32_t vocabSize) {
  embeddingOf<F16>(ids, weight, y, rows, features, vocabSize);
}

extern "C" __global__ void __launch_bounds__(kRowsBlock)
    embedding_bf16(const int32_t* __restrict__ ids, const uint16_t* __restrict__ weight, float* __restrict__ y,
                   uint32_t rows, uint32_t features, uint32_t vocabSize) {
  embeddingOf<Bf16>(ids, weight, y, rows, features, vocabSize);
}

extern "C" __global__ void __launch_bounds__(kRowsBlock)
    embedding_quantized(const int32_t* __restrict__ ids, const uint8_t* __restrict__ weight, float* __restrict__ y,
                        uint32_t rows, uint32_t features, uint32_t vocabSize, uint32_t type) {
  const size_t i = (size_t)blockIdx.x * (4 * kRowsBlock) + 4 * threadIdx.x;
  if (i >= (size_t)rows * features) return;
  const QuantizedNumbers matrix = quantizedMatrix(weight, type, vocabSize, features);
  *reinterpret_cast<float4*>(y + i) = fourOf(type, matrix.blocks, embeddingPlace(ids, i, features, vocabSize));
}
