#pragma once
// Products of 64 by 64 tiles whose operands are read by functions: sum[i][j] += sum_k a(i, k) b(j, k). A block of 128 threads
// computes a tile; each thread has 8 rows by 4 columns in registers, as in gemm.cuh. A second form reads the first operand from
// shared memory and leaves out the terms of a mask: 0 times NaN is NaN, so that a factor 0 would not be enough.

#include "gemm.cuh"

constexpr uint32_t kSide = 64;
constexpr uint32_t kSideThreads = kTileThreads<kSide>;
constexpr uint32_t kSidePitch = kSide + 4;
// Shared memory of the tiles of both operands, in floats.
constexpr uint32_t kSideTile = kGemmDepth * kSidePitch;

using TileSums = float[8][4];

// The first of the thread's columns, which are adjacent.
__device__ inline uint32_t tileColumn() { return gemmColumn(); }

// Row i of the thread's 8 rows: four adjacent ones in each half of the tile.
__device__ inline uint32_t tileRow(uint32_t i) {
  return gemmRow() + i / 4 * (kSide / 2) + i % 4;
}

__device__ inline void clearSums(TileSums& sum) {
#pragma unroll
  for (uint32_t i = 0; i < 8; i++) {
#pragma unroll
    for (uint32_t j = 0; j < 4; j++) sum[i][j] = 0.0f;
  }
}

// The element (outer, k) that the thread copies as its `e`-th. Along: adjacent threads have adjacent k; Across: adjacent rows.
template <Layout Order>
struct TileCopy {
  static constexpr uint32_t kEach = kSide * kGemmDepth / kSideThreads;
  static __device__ inline uint32_t outer(uint32_t e) {
    return Order == Layout::Along ? threadIdx.x / kGemmDepth + e * (kSideThreads / kGemmDepth) : threadIdx.x % kSide;
  }
  static __device__ inline uint32_t depth(uint32_t e) {
    return Order == Layout::Along ? threadIdx.x % kGemmDepth : threadIdx.x / kSide + e * (kSideThreads / kSide);
  }
  template <typename Read>
  static __device__ inline void fetch(float (&held)[kEach], uint32_t from, Read read) {
#pragma unroll
    for (uint32_t e = 0; e < kEach; e++) held[e] = read(outer(e), from + depth(e));
  }
  static __device__ inline void put(const float (&held)[kEach], float* tile) {
#pragma unroll
    for (uint32_t e = 0; e < kEach; e++) tile[depth(e) * kSidePitch + outer(e)] = held[e];
  }
};

// The rows and columns of a tile that exist; more than 64 count as 64. Threads without any of them skip the products.
struct TileExtent {
  uint32_t rows;
  uint32_t columns;
  __device__ inline bool mine() const { return tileRow(0) < rows && tileColumn() < columns; }
};

// sum += the product over k < depth. `a` and `b` return 0 for rows and k that do not exist. `tiles` is shared memory of
// 2 * kSideTile floats, aligned to 16 bytes.
template <Layout OrderA, Layout OrderB, typename A, typename B>
__device__ inline void addProduct(TileSums& sum, const TileExtent& extent, uint32_t depth, A a, B b, float* tiles) {
  const bool mine = extent.mine();
  float* tileB = tiles + kSideTile;
  float heldA[TileCopy<OrderA>::kEach];
  float heldB[TileCopy<OrderB>::kEach];
  // The next tiles are loaded to registers while the current ones are multiplied.
#pragma unroll 1
  for (uint32_t k = 0;; k += kGemmDepth) {
    const bool more = k < depth;
    if (more) {
      TileCopy<OrderA>::fetch(heldA, k, a);
      TileCopy<OrderB>::fetch(heldB, k, b);
    }
    if (k > 0 && mine) multiply<kSide>(tiles + tileRow(0), tileB + tileColumn(), sum);
    if (!more) return;
    __syncthreads();
    TileCopy<OrderA>::put(heldA, tiles);
    TileCopy<OrderB>::put(heldB, tileB);
    __syncthreads();
  }
}

// The terms k that the rows of a tile have: bit k % 32 of word [k / 32][row].
using TileMask = uint32_t[2][kSide];

// Sets the terms [low, high) of a row; high <= 64.
__device__ inline void setTerms(TileMask& mask, uint32_t row, uint32_t low, uint32_t high) {
#pragma unroll
  for (uint32_t half = 0; half < 2; half++) {
    const uint32_t from = min(max(low, 32 * half) - 32 * half, 32u);
    const uint32_t to = min(max(high, 32 * half) - 32 * half, 32u);
    mask[half][row] = from < to ? (kAllLanes >> (32 - (to - from))) << from : 0u;
  }
}

__device__ inline bool hasTerm(const TileMask& mask, uint32_t row, uint32_t k) { return (mask[k / 32][row] >> (k % 32) & 1u) != 0; }

// sum += the product over the terms of the mask, with k < `depth` <= 64 and `matrix` [64, kSidePitch] in shared memory as [k,
// row]. The matrix and the mask must be visible to all threads after the next barrier. `tileB` is shared memory of kSideTile
// floats.
template <Layout OrderB, typename B>
__device__ inline void addMasked(TileSums& sum, const TileExtent& extent, uint32_t depth, const float* matrix,
                                 const TileMask& mask, B b, float* tileB) {
  const bool mine = extent.mine();
#pragma unroll 1
  for (uint32_t k = 0; k < depth; k += kGemmDepth) {
    float held[TileCopy<OrderB>::kEach];
    TileCopy<OrderB>::fetch(held, k, b);
    __syncthreads();
    TileCopy<OrderB>::put(held, tileB);
    __syncthreads();
    constexpr uint32_t kFull = (1u << kGemmDepth) - 1u;
    uint32_t terms[8];
    uint32_t all = kFull;
    uint32_t any = 0;
#pragma unroll
    for (uint32_t i = 0; i < 8; i++) {
      terms[i] = mask[k / 32][tileRow(i)] >> (k % 32) & kFull;
      all &= terms[i];
      any |= terms[i];
    }
    const float* A = matrix + k * kSidePitch + tileRow(0);
    const float* columns = tileB + tileColumn();
    if (!mine) continue;
    if (all == kFull) {
      multiply<kSide>(A, columns, sum);
    } else if (any != 0) {
#pragma unroll 1
      for (uint32_t d = 0; d < kGemmDepth; d++) {
        float ofA[8];
        float ofB[4];
        unpack(*reinterpret_cast<const float4*>(A + d * kSidePitch), ofA);
        unpack(*reinterpret_cast<const float4*>(A + d * kSidePitch + kSide / 2), ofA + 4);
        unpack(*reinterpret_cast<const float4*>(columns + d * kSidePitch), ofB);
#pragma unroll
        for (uint32_t i = 0; i < 8; i++) {
          if ((terms[i] >> d & 1u) == 0) continue;
#pragma unroll
          for (uint32_t j = 0; j < 4; j++) sum[i][j] += ofA[i] * ofB[j];
        }
      }
    }
  }
}

// Sums a value of each of the thread's 8 rows over the columns of the tile. Returns the total of row threadIdx.x to the first
// 64 threads. `scratch` is shared memory of 128 floats.
__device__ inline float rowTotals(const float (&own)[8], float* scratch) {
  float total[8];
#pragma unroll
  for (uint32_t i = 0; i < 8; i++) total[i] = warpSum<8>(own[i]);
  __syncthreads();
  if (threadIdx.x % 8 == 0) {
#pragma unroll
    for (uint32_t i = 0; i < 8; i++) scratch[threadIdx.x / kWarp % 2 * kSide + tileRow(i)] = total[i];
  }
  __syncthreads();
  return threadIdx.x < kSide ? scratch[threadIdx.x] + scratch[kSide + threadIdx.x] : 0.0f;
}
