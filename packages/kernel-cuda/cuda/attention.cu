#include "attention.cuh"

// Where the results of a block go.
struct AttentionTargets {
  float* y;
  // [2, B, L, Hq]: the largest score of each row, and the sum of the exponentials of the scores without it. May be null.
  float* residual;
  // With several chunks of keys: the sum of the values without the division, [chunks, B, Hkv, L * group, Dv], and the largest
  // score and the sum of each row, [chunks, B, Hkv, L * group, 2]. Otherwise null.
  float* partial;
  float* partialSums;
};

// y[r] = sum_j p[r, j] v[j], p = softmax of scale q[r] · k[j] over the keys that row r sees, in tiles of keys with a running
// maximum. Blocks compute 64 rows and `64 Tiles` columns of y over the keys of chunk blockIdx.y, `chunkKeys` of them, a
// multiple of 64. A row has the same bits whatever the other rows are: tiles begin at multiples of 64 keys, and a tile
// without keys for a row changes nothing.
template <uint32_t Tiles>
__device__ inline void attentionTile(const float* q, const float* k, const float* v, const int32_t* ids,
                                     const int32_t* lengths, const AttentionTargets& to, const AttentionSizes& size,
                                     float scale, uint32_t chunkKeys) {
  __shared__ AttentionRows at;
  __shared__ TileMask mask;
  __shared__ int32_t keyIds[kSide];
  __shared__ uint32_t used[2];
  __shared__ float most[2 * kSide];
  __shared__ float sums[2 * kSide];
  __shared__ float factor[kSide];
  __shared__ alignas(16) float matrix[kSide * kSidePitch];
  __shared__ alignas(16) float tiles[2 * kSideTile];
  const uint32_t group = size.heads / size.kvHeads;
  const uint32_t rows = size.length * group;
  const uint32_t parts = (size.valueDim + Tiles * kSide - 1) / (Tiles * kSide);
  // The tiles with the most keys first.
  const uint32_t tile = tilesOf(rows) - 1 - blockIdx.x / (parts * size.kvHeads * size.batch);
  const uint32_t column = blockIdx.x % parts * Tiles * kSide;
  const uint32_t kv = blockIdx.x / parts % size.kvHeads;
  const uint32_t b = blockIdx.x / parts / size.kvHeads % size.batch;
  const uint32_t Dk = size.keyDim;
  const uint32_t Dv = size.valueDim;
  const uint32_t before =
      lengths == nullptr ? 0 : (uint32_t)min(max(lengths[b], 0), (int32_t)(size.capacity - size.length));
  loadRows(at, size, ids, b, kv, tile * kSide, before);
  const uint32_t begin = blockIdx.y * chunkKeys;
  const uint32_t end = min(at.position[at.count - 1] + 1, begin + chunkKeys);
  const size_t firstKey = (size_t)b * size.capacity;

  TileSums sum[Tiles];
#pragma unroll
  for (uint32_t i = 0; i < Tiles; i++) clearSums(sum[i]);
  // Two threads go over the keys of a tile for each row.
  const uint32_t t = threadIdx.x;
  const uint32_t r = t % kSide;
  const uint32_t half = t / kSide;
  float largest = kLeastScore;
  float total = 0.0f;
  const auto ofQ = [&](uint32_t i, uint32_t d) {
    return i < at.count && d < Dk ? q[(size_t)at.row[i] * size.qStride + at.head[i] * Dk + d] : 0.0f;
  };
#pragma unroll 1
  for (uint32_t j0 = begin; j0 < end; j0 += kSide) {
    maskKeys(mask, at, size, ids, b, j0, keyIds);
    if (!hasTerms(mask, used)) continue;
    {
      TileSums scores;
      clearSums(scores);
      const auto ofK = [&](uint32_t j, uint32_t d) {
        return j0 + j < end && d < Dk ? k[(firstKey + j0 + j) * size.kStride + kv * Dk + d] : 0.0f;
      };
      addProduct<Layout::Along, Layout::Along>(scores, {at.count, end - j0}, Dk, ofQ, ofK, tiles);
#pragma unroll
      for (uint32_t i = 0; i < 8; i++) {
#pragma unroll
        for (uint32_t j = 0; j < 4; j++) scores[i][j] *= scale;
      }
      putColumns(scores, matrix);
    }
    __syncthreads();
    const uint32_t terms = mask[half][r];
    float* own = matrix + half * kWarp * kSidePitch + r;
    float highest = kLeastScore;
    for (uint32_t j = 0; j < kWarp; j++) {
      if (terms >> j & 1u) highest = fmaxf(highest, own[j * kSidePitch]);
    }
    most[t] = highest;
    __syncthreads();
    const float next = fmaxf(largest, fmaxf(most[r], most[kSide + r]));
    float added = 0.0f;
    for (uint32_t j = 0; j < kWarp; j++) {
      const float power = terms >> j & 1u ? expf(own[j * kSidePitch] - next) : 0.0f;
      own[j * kSidePitch] = power;
      added += power;
    }
    const float shrink = expf(largest - next);
    largest = next;
    sums[t] = added;
    if (half == 0) factor[r] = shrink;
    __syncthreads();
    total = total * shrink + (sums[r] + sums[kSide + r]);
#pragma unroll
    for (uint32_t part = 0; part < Tiles; part++) {
#pragma unroll
      for (uint32_t i = 0; i < 8; i++) {
#pragma unroll
        for (uint32_t j = 0; j < 4; j++) sum[part][i][j] *= factor[tileRow(i)];
      }
      const uint32_t from = column + part * kSide;
      if (from >= Dv) break;
      const auto ofV = [&](uint32_t d, uint32_t j) {
        return j0 + j < end && from + d < Dv ? v[(firstKey + j0 + j) * size.vStride + kv * Dv + from + d] : 0.0f;
      };
      addMasked<Layout::Across>(sum[part], {at.count, Dv - from}, min(end - j0, kSide), matrix, mask, ofV, tiles);
    }
    __syncthreads();
  }

  const bool whole = to.partial == nullptr;
  __syncthreads();
  if (t < kSide) factor[t] = 1.0f / total;
  const size_t place = ((size_t)blockIdx.y * size.batch + b) * size.kvHeads + kv;
  if (t < at.count && column == 0) {
    if (!whole) {
      float* target = to.partialSums + (place * rows + tile * kSide + t) * 2;
      target[0] = largest;
      target[1] = total;
    } else if (to.residual != nullptr) {
      const size_t i = (size_t)at.row[t] * size.heads + at.head[t];
      to.residual[i] = largest;
      to.residual[(size_t)size.batch * size.length * size.heads + i] = total;
    }
  }
  __syncthreads();
#pragma unroll
  for (uint32_t part = 0; part < Tiles; part++) {
#pragma unroll
    for (uint32_t i = 0; i < 8; i++) {
      const uint32_t own = tileRow(i);
      if (own >= at.count) continue;
      const float scaled = whole ? factor[own] : 1.0f;
      const bool real = at.id[own] >= 0;
#pragma unroll
      for (uint32_t j = 0; j < 4; j++) {
        const uint32_t d = column + part * kSide + tileColumn() + j;
        if (d >= Dv) continue;
        const float value = real ? sum[part][i][j] * scaled : 0.0f;
        if (whole) to.y[((size_t)at.row[own] * size.heads + at.head[own]) * Dv + d] = value;
        else to.partial[(place * rows + tile * kSide + own) * Dv + d] = value;
      }
    }
  }
}

#define MAMBA_ATTENTION(name, Tiles, blocks)                                                                          \
  extern "C" __global__ void __launch_bounds__(kSideThreads, blocks)                                                  \
      name(const float* __restrict__ q, const float* __restrict__ k, const float* __restrict__ v,                     \
           const int32_t* __restrict__ ids, const int32_t* __restrict__ lengths, float* __restrict__ y,               \
           float* __restrict__ residual, float* __restrict__ partial, float* __restrict__ partialSums,                \
           AttentionSizes size, float scale, uint32_t chunkKeys) {                                                    \
    attentionTile<Tiles>(q, k, v, ids, lengths, {y, residual, partial, partialSums}, size, scale, chunkKeys);         \
  }

// Values of at most 64 columns, and wider ones.
MAMBA_ATTENTION(attention1, 1, 3)
MAMBA_ATTENTION(attention2, 2, 2)

// y from the results of the chunks of keys, added in their order. One thread per number of y.
extern "C" __global__ void __launch_bounds__(256)
    attentionCombine(const float* __restrict__ partial, const float* __restrict__ partialSums, float* __restrict__ y,
                     AttentionSizes size, uint32_t chunks) {
  const uint32_t group = size.heads / size.kvHeads;
  const uint32_t rows = size.length * group;
  const size_t all = (size_t)size.batch * size.kvHeads * rows;
  const size_t i = (size_t)blockIdx.x * 256 + threadIdx.x;
  if (i >= all * size.valueDim) return;
  const size_t row = i / size.valueDim;
  const uint32_t d = (uint32_t)(i % size.valueDim);
  float largest = kLeastScore;
  for (uint32_t c = 0; c < chunks; c++) largest = fmaxf(largest, partialSums[(c * all + row) * 2]);
  float total = 0.0f;
  float sum = 0.0f;
  for (uint32_t c = 0; c < chunks; c++) {
    const float* own = partialSums + (c * all + row) * 2;
    const float weight = expf(own[0] - largest);
    total += own[1] * weight;
    sum += partial[(c * all + row) * size.valueDim + d] * weight;
  }
  const uint32_t r = (uint32_t)(row % rows);
  const uint32_t kv = (uint32_t)(row / rows % size.kvHeads);
  const size_t position = row / rows / size.kvHeads * size.length + r / group;
  y[(position * size.heads + kv * group + r % group) * size.valueDim + d] = sum * (1.0f / total);
}

// Writes the new keys k [B, L, width] to rows lengths[b], lengths[b] + 1, … of keys [B, T, width]. One thread per number.
extern "C" __global__ void __launch_bounds__(256)
    cacheRows(const float* __restrict__ k, const int32_t* __restrict__ lengths, float* __restrict__ keys, uint32_t batch,
              uint32_t length, uint32_t capacity, uint32_t width, uint32_t stride) {
  const size_t i = (size_t)blockIdx.x * 256 + threadIdx.x;
  if (i >= (size_t)batch * length * width) return;
  const size_t row = i / width;
  const uint32_t column = (uint32_t)(i % width);
  const uint32_t b = (uint32_t)(row / length);
  const uint32_t before = (uint32_t)min(max(lengths[b], 0), (int32_t)(capacity - length));
  keys[((size_t)b * capacity + before + row % length) * width + column] = k[row * stride + column];
}
