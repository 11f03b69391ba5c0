#pragma once
// The choices of experts, i32 [R, K]: choice p is expert `experts[p]` of row p / K. Ids are clamped to [0, E).

#include "tiles.cuh"

__device__ inline uint32_t clampedExpert(int32_t id, uint32_t expertCount) {
  return (uint32_t)min(max(id, 0), (int32_t)expertCount - 1);
}

// The index of the choices: the number of choices of lower experts for each expert (E + 1 words), then the choices sorted by
// expert, in their order.
struct ExpertIndex {
  const uint32_t* starts;
  const uint32_t* order;
  uint32_t experts;

  __device__ inline ExpertIndex(const uint32_t* index, uint32_t expertCount)
      : starts(index), order(index + expertCount + 1), experts(expertCount) {}

  // The first of the tiles of 64 choices of an expert. starts[E] / 64 + E tiles are enough, and some of them may be empty.
  __device__ inline uint32_t firstTile(uint32_t e) const { return starts[e] / kSide + e; }
};

// The choices [begin, begin + count) of the order that a block of threads computes.
struct ExpertTile {
  uint32_t expert;
  uint32_t begin;
  uint32_t count;

  __device__ inline ExpertTile(const ExpertIndex& index, uint32_t tile) {
    uint32_t low = 0;
    uint32_t high = index.experts;
    while (high - low > 1) {
      const uint32_t middle = (low + high) / 2;
      if (index.firstTile(middle) <= tile) low = middle;
      else high = middle;
    }
    expert = low;
    begin = index.starts[low] + (tile - index.firstTile(low)) * kSide;
    const uint32_t end = index.starts[low + 1];
    count = begin < end ? min(kSide, end - begin) : 0;
  }
};
