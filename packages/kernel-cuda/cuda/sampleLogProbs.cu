#include "selection.cuh"

// The largest number of log-probabilities of a row.
constexpr uint32_t kLogProbs = 1024;

// The `count` largest logits, in any order: those above the threshold, then the lowest ids of those equal to it. Each warp reads a
// chunk of the row, once to count and once to write.
__device__ inline void gatherLargest(const float* __restrict__ row, uint32_t vocabSize, uint32_t count,
                                     float threshold, float* logits, uint32_t* ids, uint32_t* above, uint32_t* equal) {
  const uint32_t lane = threadIdx.x % kWarp;
  const uint32_t warp = threadIdx.x / kWarp;
  const uint32_t warps = blockDim.x / kWarp;
  const uint32_t each = ((vocabSize + warps - 1) / warps + kWarp - 1) / kWarp * kWarp;
  const uint32_t begin = min(warp * each, vocabSize);
  const uint32_t end = min(begin + each, vocabSize);
  uint32_t ownAbove = 0;
  uint32_t ownEqual = 0;
  for (uint32_t i = begin + lane; i < end; i += kWarp) {
    ownAbove += row[i] > threshold;
    ownEqual += row[i] == threshold;
  }
  ownAbove = warpReduce<Sum>(ownAbove);
  ownEqual = warpReduce<Sum>(ownEqual);
  if (lane == 0) {
    above[warp] = ownAbove;
    equal[warp] = ownEqual;
  }
  __syncthreads();
  uint32_t next = 0;
  uint32_t ties = 0;
  uint32_t allAbove = 0;
  for (uint32_t k = 0; k < warps; k++) {
    next += k < warp ? above[k] : 0;
    ties += k < warp ? equal[k] : 0;
    allAbove += above[k];
  }
  const uint32_t lower = (1u << lane) - 1u;
  for (uint32_t base = begin; base < end; base += kWarp) {
    const uint32_t i = base + lane;
    const float logit = i < end ? row[i] : NAN;
    const uint32_t isAbove = __ballot_sync(kAllLanes, logit > threshold);
    const uint32_t isEqual = __ballot_sync(kAllLanes, logit == threshold);
    const uint32_t tie = allAbove + ties + __popc(isEqual & lower);
    const uint32_t at = logit > threshold ? next + __popc(isAbove & lower) : tie;
    if (logit >= threshold && at < count) {
      logits[at] = logit;
      ids[at] = i;
    }
    next += __popc(isAbove);
    ties += __popc(isEqual);
  }
  __syncthreads();
}

// log softmax of the logits, logits[v] - largest - log(sum_w exp(logits[w] - largest)), of the chosen ids [B] and of the `count`
// largest of each row, in descending order, the lowest of equal ids first: topIds and topLogProbs [B, count]. NaN, and id -1, for a
// row that holds NaN or +infinity or no finite logit. One block per row. The terms of the largest are counted apart, so that a
// sum near 1 loses nothing. Blocks of one warp require V <= 32.
extern "C" __global__ void __launch_bounds__(1024, 1)
    sampleLogProbs(const float* __restrict__ logits, const int32_t* __restrict__ chosen, float* __restrict__ logProb,
                   int32_t* __restrict__ topIds, float* __restrict__ topLogProbs, uint32_t vocabSize, uint32_t stride,
                   uint32_t count) {
  __shared__ float kept[kSampleKept];
  __shared__ float largestLogits[kLogProbs];
  __shared__ uint32_t largestIds[kLogProbs];
  __shared__ float scratch[3 * kWarp];
  __shared__ uint32_t words[2 * kWarp];
  const float* row = logits + (size_t)blockIdx.x * stride;
  int32_t* rowIds = topIds + (size_t)blockIdx.x * count;
  float* rowLogProbs = topLogProbs + (size_t)blockIdx.x * count;

  // fmaxf ignores NaN.
  float most = -INFINITY;
  bool isNan = false;
#pragma unroll 8
  for (uint32_t i = threadIdx.x; i < vocabSize; i += blockDim.x) {
    const float logit = row[i];
    most = fmaxf(most, logit);
    isNan |= logit != logit;
  }
  const uint32_t key = blockReduce<Max>(isNan ? kNanKey : keyOf(most), 0u, words);
  if (!isFiniteKey(key)) {
    if (threadIdx.x == 0) logProb[blockIdx.x] = NAN;
    for (uint32_t k = threadIdx.x; k < count; k += blockDim.x) {
      rowIds[k] = -1;
      rowLogProbs[k] = NAN;
    }
    return;
  }
  const Weights weights = {numberOf(key), 1.0f};
  float others = 0.0f;
  float equal = 0.0f;
  float unused = 0.0f;
#pragma unroll 4
  for (uint32_t i = threadIdx.x; i < vocabSize; i += blockDim.x) {
    const float logit = row[i];
    if (logit == weights.largest) {
      equal += 1.0f;
    } else {
      others += weights.of(logit);
    }
  }
  blockSums(others, equal, unused, scratch);
  const float rest = log1pf(equal - 1.0f + others);
  if (threadIdx.x == 0) {
    const int32_t id = chosen[blockIdx.x];
    logProb[blockIdx.x] = id < 0 ? NAN : row[id] - weights.largest - rest;
  }
  if (count == 0) return;

  const float threshold =
      count < vocabSize ? leastOf(row, vocabSize, count, 1.0f, most, weights, kept, scratch, words) : -INFINITY;
  gatherLargest(row, vocabSize, count, threshold, largestLogits, largestIds, words, words + kWarp);
  for (uint32_t k = threadIdx.x; k < count; k += blockDim.x) {
    const float logit = largestLogits[k];
    const uint32_t id = largestIds[k];
    uint32_t rank = 0;
    for (uint32_t other = 0; other < count; other++) {
      const float next = largestLogits[other];
      rank += next > logit || (next == logit && largestIds[other] < id);
    }
    rowIds[rank] = (int32_t)id;
    rowLogProbs[rank] = logit - weights.largest - rest;
  }
}
