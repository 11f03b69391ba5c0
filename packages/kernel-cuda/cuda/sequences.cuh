#pragma once
// Several sequences in a row, and padding. The real positions of a row have the ranks 0, 1, … in order, and its padding has the
// ranks that follow. GPU kernels loop over ranks, so that padding costs little and neighbours in a sequence have neighbouring
// ranks. sequenceIndex computes the index of each row: the position of each rank (L words), the rank at which the sequence of
// each real rank starts (L words), and the number of real positions.

#include "common.cuh"

// One row. Without kPacked all its positions are one sequence, and there is no index.
template <bool kPacked>
struct Sequences;

template <>
struct Sequences<false> {
  uint32_t count;  // real positions

  __device__ inline Sequences(const uint32_t*, uint32_t, uint32_t length) : count(length) {}
  // The position of a rank.
  __device__ inline uint32_t position(uint32_t rank) const { return rank; }
  // The rank at which the sequence of a real rank starts.
  __device__ inline uint32_t start(uint32_t) const { return 0; }
  // True when a sequence other than the first of the row starts at a real rank.
  __device__ inline bool fresh(uint32_t) const { return false; }
  // The rank at which the last sequence starts.
  __device__ inline uint32_t lastStart() const { return 0; }
  // True when a sequence other than the first starts at one of the real ranks [low, high).
  __device__ inline bool freshIn(uint32_t, uint32_t) const { return false; }
};

template <>
struct Sequences<true> {
  const uint32_t* index;
  uint32_t length;
  uint32_t count;

  __device__ inline Sequences(const uint32_t* all, uint32_t b, uint32_t length)
      : index(all + (size_t)b * (2 * length + 1)), length(length) {
    count = index[2 * length];
  }
  __device__ inline uint32_t position(uint32_t rank) const { return index[rank]; }
  __device__ inline uint32_t start(uint32_t rank) const { return index[length + rank]; }
  __device__ inline bool fresh(uint32_t rank) const { return rank > 0 && start(rank) == rank; }
  __device__ inline uint32_t lastStart() const { return count == 0 ? 0 : start(count - 1); }
  __device__ inline bool freshIn(uint32_t low, uint32_t high) const {
    const uint32_t end = min(high, count);
    return low < end && start(end - 1) >= max(low, 1u);
  }
};
