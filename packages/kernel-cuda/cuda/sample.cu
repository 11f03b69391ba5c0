#include "keys.cuh"

// Logits that are kept for a search in shared memory, over all warps of a block.
constexpr uint32_t kSampleKept = 8192;

// What a row's logits weigh: probabilities relative to the most probable token, whose own is 1 even at infinity.
struct Weights {
  float largest;
  float temperature;

  __device__ inline float of(float logit) const {
    return logit == largest ? 1.0f : expf((logit - largest) / temperature);
  }
};

// A thread's part of a list of logits.
struct Part {
  uint32_t first;
  uint32_t end;
  uint32_t step;
};

// Three sums at a time, for every thread of the block: one trip through shared memory.
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

// The largest logit from which on there are `wanted` of the list, or `wanted` of their weight; at least `least`. Two bits of
// its key at a time, from what reaches each of three keys: integers decide, and every sum has one order.
__device__ inline float cutOf(const float* list, Part part, float wanted, bool byWeight, float least, Weights weights,
                              float* scratch) {
  const uint32_t low = keyOf(least);
  const uint32_t differing = low ^ keyOf(weights.largest);
  uint32_t shift = 30;
  while (shift > 0 && differing >> shift == 0) shift -= 2;
  // Keys between the two share what is above the highest bit in which these differ.
  uint32_t found = low & ~((4u << shift) - 1u);
  for (;; shift -= 2) {
    float reached[3] = {0.0f, 0.0f, 0.0f};
    for (uint32_t i = part.first; i < part.end; i += part.step) {
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

// The smallest logit that topK and topP leave; `most` is the largest of the thread's. Both cuts are searched among few logits
// where few can matter: at least k logits reach the k-th largest of the threads' maxima, and tokens that all weigh less than
// their share of 1 - topP are outside of the nucleus.
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
    // The margins cover rounding: a candidate too many changes nothing.
    const float share = 0.99f * (1.0f - topP) * total / (float)vocabSize;
    floor = weights.largest + weights.temperature * (logf(share) - 1e-3f);
  } else if (topK <= blockDim.x) {
    kept[threadIdx.x] = most;
    const Part one = {threadIdx.x, threadIdx.x + 1, 1};
    floor = cutOf(kept, one, (float)topK, false, -INFINITY, weights, scratch);
  }

  // Each warp keeps what it finds in its own stretch. The maxima that stood there were last read before a barrier of `cutOf`.
  const uint32_t room = kSampleKept / (blockDim.x / kWarp);
  float* stretch = kept + warp * room;
  uint32_t count = 0;
#pragma unroll 4
  for (uint32_t base = warp * kWarp; base < vocabSize; base += blockDim.x) {
    const float logit = base + lane < vocabSize ? row[base + lane] : -INFINITY;
    const bool wanted = logit >= floor && logit > -INFINITY;
    const uint32_t which = __ballot_sync(kAllLanes, wanted);
    const uint32_t at = count + __popc(which & ((1u << lane) - 1u));
    if (wanted && at < room) stretch[at] = logit;
    count += __popc(which);
  }
  const bool fits = blockReduce<Max>(count, 0u, words) <= room;
  const float* list = fits ? stretch : row;
  const Part part = fits ? Part{lane, count, kWarp} : Part{threadIdx.x, vocabSize, blockDim.x};
  if (!byCount) return cutOf(list, part, topP * total, true, floor, weights, scratch);
  const float least = cutOf(list, part, (float)topK, false, floor, weights, scratch);
  if (!(topP < 1.0f)) return least;
  for (uint32_t i = part.first; i < part.end; i += part.step) {
    if (list[i] >= least) total += weights.of(list[i]);
  }
  return cutOf(list, part, topP * blockSum(total, scratch), true, least, weights, scratch);
}

// The first index at which the cumulative weight exceeds its share `uniform` of all. The row is split among the warps, then the
// part that the draw falls into, until it is one warp wide. Where rounding lets no index exceed it, the last with any weight.
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
    uint32_t part = 0;
    float sum = before;
    for (uint32_t k = 0; k < warps && sum <= wanted; k++) {
      if (scratch[k] > 0.0f) {
        part = k;
        before = sum;
      }
      sum += scratch[k];
    }
    end = min(begin + (part + 1) * each, end);
    begin += part * each;
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

// Logits [B, V] to ids [B], a block for each row: the filters of `SampleOptions`, then the first id at which the cumulative
// probability exceeds the row's uniform, from `uniforms` or, where that is null, `uniform`. A row without a finite logit gives
// its argmax. Blocks of one warp are for V <= 32.
extern "C" __global__ void __launch_bounds__(1024, 1)
    sample(const float* __restrict__ logits, const float* __restrict__ uniforms, int32_t* __restrict__ ids,
           uint32_t vocabSize, uint32_t stride, uint32_t topK, float temperature, float topP, float minP,
           float uniform) {
  __shared__ float kept[kSampleKept];
  __shared__ float scratch[3 * kWarp];
  __shared__ uint32_t words[kWarp];
  const float* row = logits + (size_t)blockIdx.x * stride;

  // fmaxf passes over a NaN.
  float most = -INFINITY;
#pragma unroll 8
  for (uint32_t i = threadIdx.x; i < vocabSize; i += blockDim.x) most = fmaxf(most, row[i]);
  const Weights weights = {blockReduce<Max>(most, -INFINITY, scratch), temperature};
  uint32_t finite = weights.largest > -INFINITY;
  if (weights.largest == INFINITY) {
    finite = 0;
    for (uint32_t i = threadIdx.x; i < vocabSize; i += blockDim.x) finite |= fabsf(row[i]) < INFINITY;
    finite = blockReduce<Max>(finite, 0u, words);
  }

  uint32_t id;
  if (finite) {
    float least = -INFINITY;
    if (topK < vocabSize || topP < 1.0f) {
      least = leastOf(row, vocabSize, topK, topP, most, weights, kept, scratch, words);
    }
    const float share = uniforms == nullptr ? uniform : uniforms[blockIdx.x];
    id = drawOf(row, vocabSize, share, least, minP, weights, scratch);
  } else {
    id = argmaxOf(row, vocabSize, words);
  }
  if (threadIdx.x == 0) ids[blockIdx.x] = (int32_t)id;
}
