#pragma once
#include "common.cuh"

// Ops over all parameters at once take the tensors of one launch in a table that travels with its arguments. An entry is
// `words` words long; the first is the number of its first block of threads, and entries are in ascending order of it.

constexpr uint32_t kTableWords = 960;

struct TensorTable {
  uint32_t words[kTableWords];
};

// Where the entry of a block begins: the last that does not begin after it.
__device__ inline uint32_t entryOf(const TensorTable& table, uint32_t words, uint32_t entries, uint32_t block) {
  uint32_t low = 0;
  uint32_t high = entries;
  while (high - low > 1) {
    const uint32_t middle = (low + high) / 2;
    if (table.words[middle * words] <= block) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low * words;
}

// The address in two words of an entry.
__device__ inline float* addressAt(const TensorTable& table, uint32_t at) {
  return reinterpret_cast<float*>(table.words[at] | (uintptr_t)table.words[at + 1] << 32);
}
