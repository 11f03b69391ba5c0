#include "common.cuh"
#include "sampleOptions.cuh"

constexpr uint32_t kAdjustBlock = 256;
constexpr uint32_t kAdjustChunk = 2048;

// y = logits after the repetition penalty (l > 0 ? l / p : l * p) of the ids `seen`, after adding `values` to the logits of `ids`, and
// with -infinity where the bit of an id in `allow` is 0. Each may be null. A NaN or +infinity stays, also where an id is not
// allowed. Each block computes 2,048 logits of a row.
extern "C" __global__ void __launch_bounds__(kAdjustBlock)
    sampleAdjust(const float* __restrict__ logits, const SampleOptions* __restrict__ options,
                 const int32_t* __restrict__ seen, const int32_t* __restrict__ ids, const float* __restrict__ values,
                 const uint32_t* __restrict__ allow, float* __restrict__ y, uint32_t vocabSize, uint32_t stride,
                 uint32_t seenCount, uint32_t addCount, uint32_t chunks, float penalty) {
  const uint32_t row = blockIdx.x / chunks;
  const uint32_t first = (blockIdx.x % chunks) * kAdjustChunk;
  const uint32_t end = min(first + kAdjustChunk, vocabSize);
  const float* from = logits + (size_t)row * stride;
  float* to = y + (size_t)row * vocabSize;
  for (uint32_t i = first + threadIdx.x; i < end; i += kAdjustBlock) to[i] = from[i];
  __syncthreads();
  if (seen != nullptr) {
    const float p = options == nullptr ? penalty : options[row].repetitionPenalty;
    for (uint32_t k = threadIdx.x; k < seenCount && p != 1.0f; k += kAdjustBlock) {
      const uint32_t id = (uint32_t)seen[(size_t)row * seenCount + k];
      if (id < first || id >= end) continue;
      // From the logits, not from y: an id that occurs several times is penalised once.
      const float logit = from[id];
      to[id] = logit > 0.0f ? logit / p : logit * p;
    }
    __syncthreads();
  }
  if (ids != nullptr) {
    // All values of one id are added by one thread, in their order.
    for (uint32_t k = 0; k < addCount; k++) {
      const uint32_t id = (uint32_t)ids[(size_t)row * addCount + k];
      if (id < first || id >= end || id % kAdjustBlock != threadIdx.x) continue;
      to[id] += values[(size_t)row * addCount + k];
    }
    __syncthreads();
  }
  const size_t words = (vocabSize + 31) / 32;
  for (uint32_t i = first + threadIdx.x; i < end; i += kAdjustBlock) {
    const float logit = from[i];
    if (!(logit < INFINITY)) {
      to[i] = logit;
    } else if (allow != nullptr && ((allow[row * words + i / 32] >> (i % 32)) & 1) == 0) {
      to[i] = -INFINITY;
    }
  }
}
