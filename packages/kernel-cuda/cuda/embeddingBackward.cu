#include "common.cuh"

// dWeight[s, v, i] = sum of dy[p, i] over the positions p of chunk s with clamp(ids[p], 0, V - 1) = v, in ascending order of
// p. blockIdx.y = s is a chunk of `chunkLength` positions; addPartials.cu adds the chunks. dy [count, features] has rows that
// start `stride` apart. Each block computes 1,024 features of a row v: it searches 1,024 ids at a time for v, then adds the
// rows of dy at the positions that it found.
extern "C" __global__ void __launch_bounds__(256)
    embeddingBackward(const float* dy, const int32_t* ids, float* dWeight, uint32_t count, uint32_t vocabSize,
                      uint32_t features, uint32_t stride, uint32_t chunkLength) {
  constexpr uint32_t kIds = 1024;
  constexpr uint32_t kEach = 4;
  const uint32_t columnBlocks = (features - 1) / (kEach * blockDim.x) + 1;
  // Rows of dy whose loads are issued together.
  constexpr uint32_t kAtOnce = 4;
  __shared__ uint32_t found[kWarp];
  __shared__ uint32_t places[kIds];
  __shared__ uint32_t total;
  const uint32_t lane = threadIdx.x % kWarp;
  const uint32_t warp = threadIdx.x / kWarp;
  const uint32_t row = blockIdx.x / columnBlocks;
  const int32_t top = (int32_t)(vocabSize - 1);
  const uint32_t feature = blockIdx.x % columnBlocks * (kEach * blockDim.x) + threadIdx.x;
  const uint32_t end = count - blockIdx.y * chunkLength < chunkLength ? count : (blockIdx.y + 1) * chunkLength;

  float sum[kEach];
#pragma unroll
  for (uint32_t j = 0; j < kEach; j++) sum[j] = 0.0f;

  for (uint32_t first = blockIdx.y * chunkLength; first < end; first += kIds) {
    // Bit i of word w of `found` is set when the id at first + 32 w + i is v.
#pragma unroll
    for (uint32_t j = 0; j < 4; j++) {
      const uint32_t word = warp * 4 + j;
      const uint32_t i = word * kWarp + lane;
      const bool hit = i < end - first && (uint32_t)min(max(ids[first + i], 0), top) == row;
      const uint32_t bits = __ballot_sync(kAllLanes, hit);
      if (lane == 0) found[word] = bits;
    }
    __syncthreads();
    if (warp == 0) {
      uint32_t bits = found[lane];
      const uint32_t own = (uint32_t)__popc(bits);
      uint32_t upTo = own;
      for (uint32_t apart = 1; apart < kWarp; apart *= 2) {
        const uint32_t before = __shfl_up_sync(kAllLanes, upTo, apart);
        if (lane >= apart) upTo += before;
      }
      for (uint32_t at = upTo - own; bits != 0; at++) {
        places[at] = first + lane * kWarp + (uint32_t)__ffs((int)bits) - 1;
        bits &= bits - 1;
      }
      if (lane == kWarp - 1) total = upTo;
    }
    __syncthreads();
    for (uint32_t at = 0; at < total; at += kAtOnce) {
      float terms[kAtOnce][kEach];
#pragma unroll
      for (uint32_t k = 0; k < kAtOnce; k++) {
        const bool there = at + k < total;
        const float* from = dy + (there ? places[at + k] : 0) * (size_t)stride;
#pragma unroll
        for (uint32_t j = 0; j < kEach; j++) {
          const uint32_t i = feature + j * blockDim.x;
          terms[k][j] = there && i < features ? from[i] : 0.0f;
        }
      }
#pragma unroll
      for (uint32_t k = 0; k < kAtOnce; k++) {
#pragma unroll
        for (uint32_t j = 0; j < kEach; j++) sum[j] += terms[k][j];
      }
    }
  }

  float* to = dWeight + ((size_t)blockIdx.y * vocabSize + row) * features;
#pragma unroll
  for (uint32_t j = 0; j < kEach; j++) {
    const uint32_t i = feature + j * blockDim.x;
    if (i < features) to[i] = sum[j];
  }
}
