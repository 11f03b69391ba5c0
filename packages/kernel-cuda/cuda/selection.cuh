#pragma once
// Selection among the logits of a row without sorting.

#include "keys.cuh"

// Logits that a block can keep in shared memory for the search of a cut.
constexpr uint32_t kSampleKept = 8192;

// Weights of a row's logits: probabilities relative to the most probable token.
struct Weights {
  float largest;
  float temperature;

  __device__ inline float of(float logit) const {
    return expf((logit - largest) / temperature);
  }
};

// The elements of a list of logits that one thread reads.
struct Stride {
  uint32_t first;
  uint32_t end;
  uint32_t step;
};

// Sums three values over the block, for every thread, with one exchange through shared memory.
__device__ inline void blockSums(float& a, float& b, float& c, float* scratch) {
  const uint32_t lane = threadIdx.x % kWarp;
  const uint32_t warp = threadIdx.x / kWarp;
  a = warpSum(a);
  b = warpSum(b);
  c = warpSum(c);
  __syncthreads();
  if (lane == 0) {
    scratch[warp] = a;
    scratch[kWarp + warp] = b;
    scratch[2 * kWarp + warp] = c;
  }
  __syncthreads();
  const bool used = lane < blockDim.x / kWarp;
  a = warpSum(used ? scratch[lane] : 0.0f);
  b = warpSum(used ? scratch[kWarp + lane] : 0.0f);
  c = warpSum(used ? scratch[2 * kWarp + lane] : 0.0f);
}

// The largest logit c, at least `least`, such that at least `wanted` logits of the list (or logits of total weight `wanted`)
// are >= c. The search finds two bits of its key at a time, from the count (or weight) of the logits that reach each of three
// keys. Keys are compared as integers, and every sum has a fixed order.
__device__ inline float cutOf(const float* list, Stride stride, float wanted, bool byWeight, float least, Weights weights,
                              float* scratch) {
  const uint32_t low = keyOf(least);
  const uint32_t differing = low ^ keyOf(weights.largest);
  uint32_t shift = 30;
  while (shift > 0 && differing >> shift == 0) shift -= 2;
  // All keys between the two have the same bits above the highest bit in which the two differ.
  uint32_t found = low & ~((4u << shift) - 1u);
  for (;; shift -= 2) {
    float reached[3] = {0.0f, 0.0f, 0.0f};
    for (uint32_t i = stride.first; i < stride.end; i += stride.step) {
      const float logit = list[i];
      if (!(logit >= least)) continue;
      const uint32_t key = keyOf(logit);
      const float weight = byWeight ? weights.of(logit) : 1.0f;
#pragma unroll
      for (uint32_t k = 0; k < 3; k++) {
        if (key >= found + ((k + 1) << shift)) reached[k] += weight;
      }
    }
    blockSums(reached[0], reached[1], reached[2], scratch);
    uint32_t digit = 0;
    while (digit < 3 && reached[digit] >= wanted) digit++;
    found += digit << shift;
    if (shift == 0) break;
  }
  return found > low ? numberOf(found) : least;
}

// The smallest logit that topK and topP keep; `most` is the largest logit that this thread has read. The search is limited to
// the logits above a lower bound. For topK the bound is the k-th largest of the threads' maxima, because at least k logits
// reach it. For topP it is the logit whose weight is (1 - topP) / V of the total: all lighter tokens together weigh less than
// 1 - topP of the total, so they are outside of the nucleus.
__device__ inline float leastOf(const float* row, uint32_t vocabSize, uint32_t topK, float topP, float most,
                                Weights weights, float* kept, float* scratch, uint32_t* words) {
  const uint32_t lane = threadIdx.x % kWarp;
  const uint32_t warp = threadIdx.x / kWarp;
  const bool byCount = topK < vocabSize;
  float floor = -INFINITY;
  float total = 0.0f;
  if (!byCount) {
#pragma unroll 4
    for (uint32_t i = threadIdx.x; i < vocabSize; i += blockDim.x) {
      const float logit = row[i];
      if (logit > -INFINITY) total += weights.of(logit);
    }
    total = blockSum(total, scratch);
    // The margins cover rounding errors; a bound that is too low does not change the result.
    const float lightest = 0.99f * (1.0f - topP) * total / (float)vocabSize;
    floor = weights.largest + weights.temperature * (logf(lightest) - 1e-3f);
  } else if (topK <= blockDim.x) {
    kept[threadIdx.x] = most;
    const Stride one = {threadIdx.x, threadIdx.x + 1, 1};
    floor = cutOf(kept, one, (float)topK, false, -INFINITY, weights, scratch);
  }

  // Each warp keeps the logits that it finds in its own chunk of `kept`. The maxima that were stored there are no longer read:
  // the last read was before a barrier of `cutOf`.
  const uint32_t room = kSampleKept / (blockDim.x / kWarp);
  float* own = kept + warp * room;
  uint32_t count = 0;
#pragma unroll 4
  for (uint32_t base = warp * kWarp; base < vocabSize; base += blockDim.x) {
    const float logit = base + lane < vocabSize ? row[base + lane] : -INFINITY;
    const bool wanted = logit >= floor && logit > -INFINITY;
    const uint32_t which = __ballot_sync(kAllLanes, wanted);
    const uint32_t at = count + __popc(which & ((1u << lane) - 1u));
    if (wanted && at < room) own[at] = logit;
    count += __popc(which);
  }
  const bool fits = blockReduce<Max>(count, 0u, words) <= room;
  const float* list = fits ? own : row;
  const Stride stride = fits ? Stride{lane, count, kWarp} : Stride{threadIdx.x, vocabSize, blockDim.x};
  if (!byCount) return cutOf(list, stride, topP * total, true, floor, weights, scratch);
  const float least = cutOf(list, stride, (float)topK, false, floor, weights, scratch);
  if (!(topP < 1.0f)) return least;
  for (uint32_t i = stride.first; i < stride.end; i += stride.step) {
    if (list[i] >= least) total += weights.of(list[i]);
  }
  return cutOf(list, stride, topP * blockSum(total, scratch), true, least, weights, scratch);
}
