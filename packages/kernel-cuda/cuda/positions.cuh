#pragma once
// Sequences as ranges of positions. Without `ranges` each row of `length` positions is one sequence; else ranges[s] =
// [start, end) of the positions of all rows, of which those count whose number in `ids` is s.

#include "common.cuh"

struct Positions {
  const int32_t* __restrict__ ids;
  const int32_t* __restrict__ ranges;
  uint32_t positions;
  uint32_t length;
};

struct Range {
  uint32_t start;
  uint32_t end;
};

// The range of a sequence, clamped to the positions that exist.
__device__ inline Range rangeOf(const Positions& at, uint32_t s) {
  if (at.ranges == nullptr) return {s * at.length, (s + 1) * at.length};
  const int32_t start = max(at.ranges[2 * s], 0);
  const int32_t end = max(at.ranges[2 * s + 1], 0);
  return {min((uint32_t)start, at.positions), min((uint32_t)end, at.positions)};
}

// True when a position of its range counts for sequence s.
__device__ inline bool counts(const Positions& at, uint32_t s, uint32_t position) {
  return at.ids == nullptr || at.ids[position] == (int32_t)s;
}
