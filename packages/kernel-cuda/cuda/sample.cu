#include "sampleOptions.cuh"
#include "selection.cuh"

// The first index at which the cumulative weight exceeds `uniform` times the total weight. The row is split into one chunk per
// warp, then the chunk that contains the index is split again, until a chunk is at most one warp wide. When, by rounding, no
// index exceeds it, the result is the last index with a positive weight.
__device__ inline uint32_t drawOf(const float* __restrict__ row, uint32_t vocabSize, float uniform, float least,
                                  float minP, Weights weights, float* scratch) {
  const uint32_t lane = threadIdx.x % kWarp;
  const uint32_t warp = threadIdx.x / kWarp;
  const uint32_t warps = blockDim.x / kWarp;
  const auto weightAt = [=](uint32_t i) {
    const float logit = row[i];
    if (!(logit >= least)) return 0.0f;
    const float weight = weights.of(logit);
    return weight >= minP ? weight : 0.0f;
  };

  uint32_t begin = 0;
  uint32_t end = vocabSize;
  float before = 0.0f;
  float wanted = -1.0f;
  do {
    const uint32_t each = ((end - begin + warps - 1) / warps + kWarp - 1) / kWarp * kWarp;
    const uint32_t stop = min(begin + (warp + 1) * each, end);
    float own = 0.0f;
#pragma unroll 4
    for (uint32_t i = begin + warp * each + lane; i < stop; i += kWarp) own += weightAt(i);
    own = warpSum(own);
    __syncthreads();
    if (lane == 0) scratch[warp] = own;
    __syncthreads();
    if (wanted < 0.0f) wanted = uniform * warpSum(lane < warps ? scratch[lane] : 0.0f);
    uint32_t chunk = 0;
    float sum = before;
    for (uint32_t k = 0; k < warps && sum <= wanted; k++) {
      if (scratch[k] > 0.0f) {
        chunk = k;
        before = sum;
      }
      sum += scratch[k];
    }
    end = min(begin + (chunk + 1) * each, end);
    begin += chunk * each;
  } while (end - begin > kWarp);

  const float weight = begin + lane < end ? weightAt(begin + lane) : 0.0f;
  float sum = weight;
#pragma unroll
  for (uint32_t apart = 1; apart < kWarp; apart *= 2) {
    const float earlier = __shfl_up_sync(kAllLanes, sum, apart);
    if (lane >= apart) sum += earlier;
  }
  const uint32_t exceeds = warpReduce<Min>(weight > 0.0f && before + sum > wanted ? lane : kWarp);
  const uint32_t last = warpReduce<Max>(weight > 0.0f ? lane : 0u);
  return begin + (exceeds < kWarp ? exceeds : last);
}

// Samples ids [B] from logits [B, V], one block per row: applies the filters of the row, then returns the first id at which the
// cumulative probability exceeds the row's uniform number; for temperature 0 the lowest id of the largest logit. -1 when a logit
// is NaN or +infinity, or none is finite. Blocks of one warp require V <= 32.
extern "C" __global__ void __launch_bounds__(1024, 1)
    sample(const float* __restrict__ logits, const SampleOptions* __restrict__ options, int32_t* __restrict__ ids,
           uint32_t vocabSize, uint32_t stride, SampleOptions only) {
  __shared__ float kept[kSampleKept];
  __shared__ float scratch[3 * kWarp];
  __shared__ uint32_t words[kWarp];
  const float* row = logits + (size_t)blockIdx.x * stride;
  const SampleOptions own = options == nullptr ? only : options[blockIdx.x];

  if (own.temperature == 0.0f) {
    const int32_t id = argmaxOf(row, vocabSize, words);
    if (threadIdx.x == 0) ids[blockIdx.x] = id;
    return;
  }
  // fmaxf ignores NaN.
  float most = -INFINITY;
  bool isNan = false;
#pragma unroll 8
  for (uint32_t i = threadIdx.x; i < vocabSize; i += blockDim.x) {
    const float logit = row[i];
    most = fmaxf(most, logit);
    isNan |= logit != logit;
  }
  const uint32_t largest = blockReduce<Max>(isNan ? kNanKey : keyOf(most), 0u, words);
  if (!isFiniteKey(largest)) {
    if (threadIdx.x == 0) ids[blockIdx.x] = -1;
    return;
  }
  const Weights weights = {numberOf(largest), own.temperature};
  float least = -INFINITY;
  if (own.topK < vocabSize || own.topP < 1.0f) {
    least = leastOf(row, vocabSize, own.topK, own.topP, most, weights, kept, scratch, words);
  }
  const uint32_t id = drawOf(row, vocabSize, own.uniform, least, own.minP, weights, scratch);
  if (threadIdx.x == 0) ids[blockIdx.x] = (int32_t)id;
}
