#include "attention.cuh"

// Backward of attention, with p[r, j] computed again from the residual, and delta[r] = dy[r] · y[r]:
//   dscore[r, j] = scale p[r, j] (dy[r] · v[j] - delta[r])
//   dq[r] = sum_j dscore[r, j] k[j]      dk[j] = sum_r dscore[r, j] q[r]      dv[j] = sum_r p[r, j] dy[r]
// over the pairs in which row r sees key j. dk and dv add up all query heads of a group, in the order of the rows.

// delta [B, L, Hq]. One warp per number.
extern "C" __global__ void __launch_bounds__(128)
    attentionDelta(const float* __restrict__ dy, const float* __restrict__ y, float* __restrict__ delta, uint32_t rows,
                   uint32_t heads, uint32_t valueDim, uint32_t dyStride, uint32_t yStride) {
  const size_t wanted = (size_t)blockIdx.x * 4 + threadIdx.x / kWarp;
  const bool mine = wanted < (size_t)rows * heads;
  const size_t row = mine ? wanted / heads : 0;
  const uint32_t h = mine ? (uint32_t)(wanted % heads) : 0;
  float sum = 0.0f;
  for (uint32_t d = threadIdx.x % kWarp; mine && d < valueDim; d += kWarp) {
    sum += dy[row * dyStride + h * valueDim + d] * y[row * yStride + h * valueDim + d];
  }
  sum = warpSum(sum);
  if (mine && threadIdx.x % kWarp == 0) delta[wanted] = sum;
}

// The saved numbers of a tile's rows, in shared memory.
struct AttentionSaved {
  float largest[kSide];
  float scale[kSide];
  float delta[kSide];
};

__device__ inline void loadSaved(AttentionSaved& saved, const AttentionRows& at, const AttentionSizes& size,
                                 const float* residual, const float* delta) {
  if (threadIdx.x < kSide) {
    const size_t i = (size_t)at.row[threadIdx.x] * size.heads + at.head[threadIdx.x];
    saved.largest[threadIdx.x] = residual[i];
    saved.scale[threadIdx.x] = 1.0f / residual[(size_t)size.batch * size.length * size.heads + i];
    if (delta != nullptr) saved.delta[threadIdx.x] = delta[i];
  }
  __syncthreads();
}

// dq. Each block computes 64 rows and 64 columns.
extern "C" __global__ void __launch_bounds__(kSideThreads, 2)
    attentionBackwardQ(const float* __restrict__ q, const float* __restrict__ k, const float* __restrict__ v,
                       const int32_t* __restrict__ ids, const float* __restrict__ dy, const float* __restrict__ residual,
                       const float* __restrict__ delta, float* __restrict__ dq, AttentionSizes size, float scale) {
  __shared__ AttentionRows at;
  __shared__ AttentionSaved saved;
  __shared__ TileMask mask;
  __shared__ int32_t keyIds[kSide];
  __shared__ uint32_t used[2];
  __shared__ alignas(16) float matrix[kSide * kSidePitch];
  __shared__ alignas(16) float tiles[2 * kSideTile];
  const uint32_t Dk = size.keyDim;
  const uint32_t Dv = size.valueDim;
  const uint32_t parts = tilesOf(Dk);
  const uint32_t rows = size.length * (size.heads / size.kvHeads);
  const uint32_t tile = tilesOf(rows) - 1 - blockIdx.x / (parts * size.kvHeads * size.batch);
  const uint32_t column = blockIdx.x % parts * kSide;
  const uint32_t kv = blockIdx.x / parts % size.kvHeads;
  const uint32_t b = blockIdx.x / parts / size.kvHeads % size.batch;
  loadRows(at, size, ids, b, kv, tile * kSide, 0);
  loadSaved(saved, at, size, residual, delta);
  const uint32_t end = at.position[at.count - 1] + 1;
  const size_t firstKey = (size_t)b * size.length;

  TileSums sum;
  clearSums(sum);
  const auto ofQ = [&](uint32_t i, uint32_t d) {
    return i < at.count && d < Dk ? q[(size_t)at.row[i] * size.qStride + at.head[i] * Dk + d] : 0.0f;
  };
  const auto ofDy = [&](uint32_t i, uint32_t d) {
    return i < at.count && d < Dv ? dy[(size_t)at.row[i] * size.dyStride + at.head[i] * Dv + d] : 0.0f;
  };
#pragma unroll 1
  for (uint32_t j0 = 0; j0 < end; j0 += kSide) {
    __syncthreads();
    maskKeys(mask, at, size, ids, b, j0, keyIds);
    if (!hasTerms(mask, used)) continue;
    const auto ofK = [&](uint32_t j, uint32_t d) {
      return j0 + j < end && d < Dk ? k[(firstKey + j0 + j) * size.kStride + kv * Dk + d] : 0.0f;
    };
    const auto ofV = [&](uint32_t j, uint32_t d) {
      return j0 + j < end && d < Dv ? v[(firstKey + j0 + j) * size.vStride + kv * Dv + d] : 0.0f;
    };
    TileSums scores;
    TileSums flow;
    clearSums(scores);
    clearSums(flow);
    addProduct<Layout::Along, Layout::Along>(scores, {at.count, end - j0}, Dk, ofQ, ofK, tiles);
    addProduct<Layout::Along, Layout::Along>(flow, {at.count, end - j0}, Dv, ofDy, ofV, tiles);
#pragma unroll
    for (uint32_t i = 0; i < 8; i++) {
      const uint32_t r = tileRow(i);
#pragma unroll
      for (uint32_t j = 0; j < 4; j++) {
        const float p = expf(scores[i][j] * scale - saved.largest[r]) * saved.scale[r];
        scores[i][j] = p * (flow[i][j] - saved.delta[r]) * scale;
      }
    }
    putColumns(scores, matrix);
    const auto ofColumn = [&](uint32_t d, uint32_t j) { return ofK(j, column + d); };
    const TileExtent extent = {at.count, Dk - column};
    addMasked<Layout::Across>(sum, extent, min(end - j0, kSide), matrix, mask, ofColumn, tiles);
  }
#pragma unroll
  for (uint32_t i = 0; i < 8; i++) {
    const uint32_t r = tileRow(i);
    if (r >= at.count) continue;
#pragma unroll
    for (uint32_t j = 0; j < 4; j++) {
      const uint32_t d = column + tileColumn() + j;
      if (d < Dk) dq[((size_t)at.row[r] * size.heads + at.head[r]) * Dk + d] = sum[i][j];
    }
  }
}

// dk (kOfK) or dv. Each block computes 64 keys and 64 columns, and goes over the rows from the first that sees one of the keys.
template <bool kOfK>
__device__ inline void keyGradient(const float* q, const float* k, const float* v, const int32_t* ids, const float* dy,
                                   const float* residual, const float* delta, float* to, const AttentionSizes& size,
                                   float scale) {
  __shared__ AttentionRows at;
  __shared__ AttentionSaved saved;
  __shared__ TileMask mask;
  __shared__ uint32_t used[2];
  __shared__ alignas(16) float matrix[kSide * kSidePitch];
  __shared__ alignas(16) float tiles[2 * kSideTile];
  const uint32_t Dk = size.keyDim;
  const uint32_t Dv = size.valueDim;
  const uint32_t width = kOfK ? Dk : Dv;
  const uint32_t parts = tilesOf(width);
  const uint32_t group = size.heads / size.kvHeads;
  const uint32_t rows = size.length * group;
  const uint32_t column = blockIdx.x % parts * kSide;
  const uint32_t kv = blockIdx.x / parts % size.kvHeads;
  const uint32_t b = blockIdx.x / parts / size.kvHeads % size.batch;
  const uint32_t j0 = blockIdx.x / (parts * size.kvHeads * size.batch) * kSide;
  const uint32_t count = min(kSide, size.length - j0);
  const size_t firstKey = (size_t)b * size.length + j0;
  const uint32_t t = threadIdx.x;
  const int32_t keyId = t >= count ? -1 : ids == nullptr ? 0 : ids[firstKey + t];

  TileSums sum;
  clearSums(sum);
  const auto ofQ = [&](uint32_t i, uint32_t d) {
    return i < at.count && d < Dk ? q[(size_t)at.row[i] * size.qStride + at.head[i] * Dk + d] : 0.0f;
  };
  const auto ofDy = [&](uint32_t i, uint32_t d) {
    return i < at.count && d < Dv ? dy[(size_t)at.row[i] * size.dyStride + at.head[i] * Dv + d] : 0.0f;
  };
  const auto ofK = [&](uint32_t j, uint32_t d) {
    return j < count && d < Dk ? k[(firstKey + j) * size.kStride + kv * Dk + d] : 0.0f;
  };
  const auto ofV = [&](uint32_t j, uint32_t d) {
    return j < count && d < Dv ? v[(firstKey + j) * size.vStride + kv * Dv + d] : 0.0f;
  };
#pragma unroll 1
  for (uint32_t r0 = j0 * group / kSide * kSide; r0 < rows; r0 += kSide) {
    loadRows(at, size, ids, b, kv, r0, 0);
    loadSaved(saved, at, size, residual, delta);
    if (t < kSide) {
      const uint32_t first = (j0 + t) * group;
      setTerms(mask, t, keyId < 0 || first < r0 ? 0 : min(first - r0, kSide), keyId < 0 ? 0 : at.count);
      if (ids != nullptr) {
#pragma unroll
        for (uint32_t half = 0; half < 2; half++) {
          uint32_t same = 0;
          for (uint32_t i = 0; i < kWarp; i++) same |= at.id[half * kWarp + i] == keyId ? 1u << i : 0u;
          mask[half][t] &= same;
        }
      }
    }
    if (!hasTerms(mask, used)) continue;
    TileSums scores;
    clearSums(scores);
    addProduct<Layout::Along, Layout::Along>(scores, {count, at.count}, Dk, ofK, ofQ, tiles);
#pragma unroll
    for (uint32_t j = 0; j < 4; j++) {
      const uint32_t r = tileColumn() + j;
#pragma unroll
      for (uint32_t i = 0; i < 8; i++) scores[i][j] = expf(scores[i][j] * scale - saved.largest[r]) * saved.scale[r];
    }
    if (kOfK) {
      TileSums flow;
      clearSums(flow);
      addProduct<Layout::Along, Layout::Along>(flow, {count, at.count}, Dv, ofV, ofDy, tiles);
#pragma unroll
      for (uint32_t j = 0; j < 4; j++) {
#pragma unroll
        for (uint32_t i = 0; i < 8; i++) scores[i][j] *= (flow[i][j] - saved.delta[tileColumn() + j]) * scale;
      }
    }
    putColumns(scores, matrix);
    const auto ofColumn = [&](uint32_t d, uint32_t i) { return kOfK ? ofQ(i, column + d) : ofDy(i, column + d); };
    addMasked<Layout::Across>(sum, {count, width - column}, at.count, matrix, mask, ofColumn, tiles);
  }
#pragma unroll
  for (uint32_t i = 0; i < 8; i++) {
    const uint32_t j = tileRow(i);
    if (j >= count) continue;
#pragma unroll
    for (uint32_t c = 0; c < 4; c++) {
      const uint32_t d = column + tileColumn() + c;
      if (d < width) to[((firstKey + j) * size.kvHeads + kv) * width + d] = sum[i][c];
    }
  }
}

extern "C" __global__ void __launch_bounds__(kSideThreads, 2)
    attentionBackwardK(const float* __restrict__ q, const float* __restrict__ k, const float* __restrict__ v,
                       const int32_t* __restrict__ ids, const float* __restrict__ dy, const float* __restrict__ residual,
                       const float* __restrict__ delta, float* __restrict__ dk, AttentionSizes size, float scale) {
  keyGradient<true>(q, k, v, ids, dy, residual, delta, dk, size, scale);
}

extern "C" __global__ void __launch_bounds__(kSideThreads, 2)
    attentionBackwardV(const float* __restrict__ q, const float* __restrict__ k, const int32_t* __restrict__ ids,
                       const float* __restrict__ dy, const float* __restrict__ residual, float* __restrict__ dv,
                       AttentionSizes size, float scale) {
  keyGradient<false>(q, k, nullptr, ids, dy, residual, nullptr, dv, size, scale);
}
