#pragma once
#include "common.cuh"

// Ops on many tensors pass the tensors of one launch in a table, which is an argument of the launch. An entry has `words`
// words; the first is the number of its first block of threads. Entries are in ascending order of that number.

constexpr uint32_t kTableWords = 960;

struct TensorTable {
  uint32_t words[kTableWords];
};

// The offset of the entry of a block: the last entry whose first block is not after it.
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

// The address in words `at` and `at + 1`, the lower word first.
__device__ inline float* addressAt(const TensorTable& table, uint32_t at) {
  return reinterpret_cast<float*>(table.words[at] | (uintptr_t)table.words[at + 1] << 32);
}
