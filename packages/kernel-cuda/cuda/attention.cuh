#pragma once
// Attention in tiles of 64 rows by 64 keys. A row is a query head at a position: the query heads that read one head of keys are
// adjacent rows, r = position * group + head within the group, so that they share the tiles of their keys.

#include "tiles.cuh"

struct AttentionSizes {
  uint32_t batch;
  uint32_t length;
  uint32_t heads;
  uint32_t kvHeads;
  uint32_t keyDim;
  uint32_t valueDim;
  // Rows of keys and values per row of the batch.
  uint32_t capacity;
  uint32_t qStride;
  uint32_t kStride;
  uint32_t vStride;
  uint32_t dyStride;
};

// Below every score, and finite: -infinity minus -infinity would be NaN.
constexpr float kLeastScore = -3.402823466e38f;

__device__ inline uint32_t tilesOf(uint32_t extent) { return (extent + kSide - 1) / kSide; }

// The rows of a tile, in shared memory.
struct AttentionRows {
  // The row b * L + position of q, the query head, the position among the keys, and the number of the sequence.
  uint32_t row[kSide];
  uint32_t head[kSide];
  uint32_t position[kSide];
  int32_t id[kSide];
  uint32_t count;
};

// Loads rows from `first` on of a head of keys. `before` is the number of keys before position 0.
__device__ inline void loadRows(AttentionRows& at, const AttentionSizes& size, const int32_t* ids, uint32_t b, uint32_t kv,
                                uint32_t first, uint32_t before) {
  const uint32_t group = size.heads / size.kvHeads;
  const uint32_t rows = size.length * group;
  const uint32_t t = threadIdx.x;
  __syncthreads();
  if (t < kSide) {
    const uint32_t r = min(first + t, rows - 1);
    at.row[t] = b * size.length + r / group;
    at.head[t] = kv * group + r % group;
    at.position[t] = before + r / group;
    at.id[t] = first + t >= rows ? -1 : ids == nullptr ? 0 : ids[at.row[t]];
  }
  if (t == 0) at.count = min(kSide, rows - first);
  __syncthreads();
}

// Sets the terms of a tile's rows among the keys from `first` on: keys j <= position of the same sequence. `keyIds` is shared
// memory for 64 numbers. Every thread must call it; the mask is visible after the next barrier.
__device__ inline void maskKeys(TileMask& mask, const AttentionRows& at, const AttentionSizes& size, const int32_t* ids,
                                uint32_t b, uint32_t first, int32_t* keyIds) {
  const uint32_t t = threadIdx.x;
  if (ids != nullptr) {
    if (t < kSide) keyIds[t] = first + t < size.length ? ids[b * size.length + first + t] : -1;
    __syncthreads();
  }
  if (t >= kSide) return;
  const uint32_t reach = at.id[t] < 0 || at.position[t] < first ? 0 : min(at.position[t] - first + 1, kSide);
  setTerms(mask, t, 0, reach);
  if (ids == nullptr || reach == 0) return;
#pragma unroll
  for (uint32_t half = 0; half < 2; half++) {
    uint32_t same = 0;
    for (uint32_t j = 0; j < kWarp; j++) same |= keyIds[half * kWarp + j] == at.id[t] ? 1u << j : 0u;
    mask[half][t] &= same;
  }
}

// True for every thread when a row of the mask has a term. Has barriers.
__device__ inline bool hasTerms(const TileMask& mask, uint32_t (&used)[2]) {
  __syncthreads();
  if (threadIdx.x < kSide) {
    const uint32_t any = __ballot_sync(kAllLanes, (mask[0][threadIdx.x] | mask[1][threadIdx.x]) != 0);
    if (threadIdx.x % kWarp == 0) used[threadIdx.x / kWarp] = any;
  }
  __syncthreads();
  return (used[0] | used[1]) != 0;
}

// Stores a tile to shared memory as [column, row].
__device__ inline void putColumns(const TileSums& sum, float* matrix) {
#pragma unroll
  for (uint32_t j = 0; j < 4; j++) {
#pragma unroll
    for (uint32_t half = 0; half < 8; half += 4) {
      *reinterpret_cast<float4*>(matrix + (tileColumn() + j) * kSidePitch + tileRow(half)) =
          make_float4(sum[half][j], sum[half + 1][j], sum[half + 2][j], sum[half + 3][j]);
    }
  }
}
