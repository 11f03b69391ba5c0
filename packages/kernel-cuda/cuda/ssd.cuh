#pragma once
// The scan of state space heads in chunks of 64 positions (Dao & Gu 2024, section 6). Positions are ranks, as in
// sequences.cuh, so that padding is at the end. With cs[i] = the sum of the log decays of a chunk from the start of i's
// sequence, or of the chunk, to i, the decay from j to i of one sequence is exp(cs[i] - cs[j]).

#include "sequences.cuh"
#include "tiles.cuh"

struct SsdSizes {
  uint32_t batch;
  uint32_t length;
  uint32_t heads;
  uint32_t headDim;
  uint32_t groups;
  uint32_t stateSize;
  uint32_t chunks;
  uint32_t xStride;
  uint32_t bStride;
  uint32_t cStride;
  uint32_t decayStride;
  uint32_t weightStride;
  uint32_t dyStride;
};

__device__ inline uint32_t sideTiles(uint32_t extent) { return (extent + kSide - 1) / kSide; }

// A chunk, in shared memory.
struct SsdChunk {
  // The row b * L + position of each rank, and the first rank of its sequence in the chunk.
  uint32_t row[kSide];
  uint32_t start[kSide];
  // cs of one head, as the sum of two floats: differences of large sums then keep their digits.
  float high[kSide];
  float low[kSide];
  float weight[kSide];
  // Ranks, real ranks, and real ranks whose sequence begins before the chunk or continues the initial state.
  uint32_t ranks;
  uint32_t count;
  uint32_t continued;
};

__device__ inline void loadPlaces(SsdChunk& at, const uint32_t* index, uint32_t b, uint32_t chunk, uint32_t length) {
  const uint32_t begin = chunk * kSide;
  const uint32_t ranks = min(kSide, length - begin);
  const uint32_t t = threadIdx.x;
  if (index == nullptr) {
    if (t < kSide) {
      at.row[t] = b * length + begin + t;
      at.start[t] = 0;
    }
    if (t == 0) at.ranks = at.count = at.continued = ranks;
  } else {
    const Sequences<true> all(index, b, length);
    const uint32_t count = all.count > begin ? min(all.count - begin, ranks) : 0;
    const auto continues = [&](uint32_t i) {
      return i < count && (all.start(begin + i) == 0 || all.start(begin + i) < begin);
    };
    if (t < kSide) {
      at.row[t] = t < ranks ? b * length + all.position(begin + t) : 0;
      at.start[t] = t < count ? max(all.start(begin + t), begin) - begin : t;
      // The ranks that continue are the first ones.
      if (continues(t) && !continues(t + 1)) at.continued = t + 1;
    }
    if (t == 0) {
      at.ranks = ranks;
      at.count = count;
      if (!continues(0)) at.continued = 0;
    }
  }
  __syncthreads();
}

// The sum of two floats and two floats, with the rounding error of the first in the second (Knuth 1969).
__device__ inline void addPair(float& high, float& low, float otherHigh, float otherLow) {
  const float sum = high + otherHigh;
  const float part = sum - high;
  const float error = ((high - (sum - part)) + (otherHigh - part)) + (low + otherLow);
  high = sum + error;
  low = error - (high - sum);
}

// Loads the log decays and the weights of a head. exp(-1000) is 0, and smaller log decays would cost the sums their digits.
__device__ inline void loadDecays(SsdChunk& at, const float* logDecay, const float* weight, const SsdSizes& size, uint32_t h) {
  const uint32_t t = threadIdx.x;
  const uint32_t lane = t % kWarp;
  __syncthreads();
  if (t < kSide) {
    const bool real = t < at.count;
    const float decay = real ? logDecay[(size_t)at.row[t] * size.decayStride + h] : 0.0f;
    float high = decay < -1000.0f ? -1000.0f : decay;
    float low = 0.0f;
#pragma unroll
    for (uint32_t apart = 1; apart < kWarp; apart *= 2) {
      const float otherHigh = __shfl_up_sync(kAllLanes, high, apart);
      const float otherLow = __shfl_up_sync(kAllLanes, low, apart);
      if (lane >= apart && t >= at.start[t] + apart) addPair(high, low, otherHigh, otherLow);
    }
    at.high[t] = high;
    at.low[t] = low;
    at.weight[t] = real ? weight[(size_t)at.row[t] * size.weightStride + h] : 0.0f;
  }
  __syncthreads();
  if (t >= kWarp && t < kSide && at.start[t] < kWarp) {
    float high = at.high[t];
    float low = at.low[t];
    addPair(high, low, at.high[kWarp - 1], at.low[kWarp - 1]);
    at.high[t] = high;
    at.low[t] = low;
  }
  __syncthreads();
}

// exp(cs[i])
__device__ inline float decayTo(const SsdChunk& at, uint32_t i) { return decayFactor(at.high[i] + at.low[i]); }

// exp(cs[i] - cs[j])
__device__ inline float decayBetween(const SsdChunk& at, uint32_t i, uint32_t j) {
  return decayFactor((at.high[i] - at.high[j]) + (at.low[i] - at.low[j]));
}

// True when rank j comes before i or is i, in the sequence of i.
__device__ inline bool reaches(const SsdChunk& at, uint32_t j, uint32_t i) {
  return i < at.count && j <= i && j >= at.start[i];
}

// True when i < 64 is in [low, high); never for the low = 64 and high = 0 of a chunk of padding.
__device__ inline bool within(uint32_t i, uint32_t low, uint32_t high) { return i - low < high - low; }

// The first rank of the sequence that is the last of the chunk; 64 in a chunk of padding.
__device__ inline uint32_t lastStart(const SsdChunk& at) { return at.count == 0 ? kSide : at.start[at.count - 1]; }

// The decay of the state over the whole chunk, or -1 when a sequence starts in the chunk.
__device__ inline float passing(const SsdChunk& at) {
  if (at.count == 0) return 1.0f;
  return at.continued == at.count ? decayTo(at, at.count - 1) : -1.0f;
}
