#include "common.cuh"

constexpr uint32_t kPenaltyChunk = 2048;

// y = logits, except that the logit l of each id of the row becomes l > 0 ? l / penalty : l * penalty. Each block computes
// 2,048 logits of a row: it copies them, then overwrites those that the row's ids select. It reads the logits and not y, so
// an id that occurs twice gets the same number twice.
extern "C" __global__ void __launch_bounds__(256)
    repetitionPenalty(const float* __restrict__ logits, const int32_t* __restrict__ ids, float* __restrict__ y,
                      uint32_t vocabSize, uint32_t stride, uint32_t idCount, uint32_t chunks, float penalty) {
  const uint32_t row = blockIdx.x / chunks;
  const uint32_t first = (blockIdx.x % chunks) * kPenaltyChunk;
  const uint32_t end = min(first + kPenaltyChunk, vocabSize);
  const float* from = logits + (size_t)row * stride;
  float* to = y + (size_t)row * vocabSize;
  for (uint32_t i = first + threadIdx.x; i < end; i += 256) to[i] = from[i];
  __syncthreads();
  for (uint32_t k = threadIdx.x; k < idCount; k += 256) {
    const uint32_t id = (uint32_t)ids[(size_t)row * idCount + k];
    if (id < first || id >= end) continue;
    const float logit = from[id];
    to[id] = logit > 0.0f ? logit / penalty : logit * penalty;
  }
}
