#include "attention.cuh"

constexpr uint32_t kFewThreads = 128;
// Rows of a block, which share the keys that it reads.
constexpr uint32_t kFewAttention = 8;
// The widest heads of keys and of values.
constexpr uint32_t kFewWidth = 256;
// Threads that compute a score together, each with four numbers of the key at a time.
constexpr uint32_t kScoreLanes = 8;

// Attention of few rows to a cache: the formula of attention.cu for up to 8 rows of one head of keys, whose keys and values
// are read once, 64 at a time. The results go to `partial` and `partialSums` when these are not null: see attention.cu.
// Blocks (x) compute a group of rows over the keys of chunk blockIdx.y.
extern "C" __global__ void __launch_bounds__(kFewThreads, 4)
    attentionFew(const float* __restrict__ q, const float* __restrict__ k, const float* __restrict__ v,
                 const int32_t* __restrict__ lengths, float* __restrict__ y, float* __restrict__ partial,
                 float* __restrict__ partialSums, AttentionSizes size, float scale, uint32_t chunkKeys) {
  __shared__ alignas(16) float queries[kFewAttention * kFewWidth];
  __shared__ alignas(16) float powers[kSide * kFewAttention];
  __shared__ float factor[kFewAttention];
  __shared__ float halves[kFewAttention * kFewWidth];
  constexpr uint32_t kColumns = kFewWidth / kSide;
  const uint32_t group = size.heads / size.kvHeads;
  const uint32_t rows = size.length * group;
  const uint32_t rowGroups = (rows + kFewAttention - 1) / kFewAttention;
  const uint32_t first = blockIdx.x % rowGroups * kFewAttention;
  const uint32_t count = min(kFewAttention, rows - first);
  const uint32_t kv = blockIdx.x / rowGroups % size.kvHeads;
  const uint32_t b = blockIdx.x / rowGroups / size.kvHeads;
  const uint32_t Dk = size.keyDim;
  const uint32_t Dv = size.valueDim;
  const uint32_t before = (uint32_t)min(max(lengths[b], 0), (int32_t)(size.capacity - size.length));
  const uint32_t t = threadIdx.x;
  // Keys that row r of the group sees.
  const auto keysOf = [&](uint32_t r) { return before + (first + min(r, count - 1)) / group + 1; };
  const uint32_t begin = blockIdx.y * chunkKeys;
  const uint32_t end = min(keysOf(count - 1), begin + chunkKeys);
  const float* keys = k + ((size_t)b * size.capacity * size.kvHeads + kv) * Dk;
  const float* values = v + ((size_t)b * size.capacity * size.kvHeads + kv) * Dv;
  const bool aligned = inFours<F32>(keys, size.kStride) && Dk % 4 == 0;

  for (uint32_t i = t; i < kFewAttention * kFewWidth; i += kFewThreads) {
    const uint32_t r = i / kFewWidth;
    const uint32_t d = i % kFewWidth;
    const uint32_t row = first + r;
    const size_t place = (size_t)(b * size.length + row / group) * size.qStride + (kv * group + row % group) * Dk + d;
    queries[i] = r < count && d < Dk ? q[place] : 0.0f;
  }
  float sum[kFewAttention][kColumns];
#pragma unroll
  for (uint32_t r = 0; r < kFewAttention; r++) {
#pragma unroll
    for (uint32_t c = 0; c < kColumns; c++) sum[r][c] = 0.0f;
  }
  // Sixteen threads go over the scores of each row.
  const uint32_t own = t / 16;
  const uint32_t ownKeys = keysOf(own);
  float largest = kLeastScore;
  float total = 0.0f;
  const uint32_t lane = t % kScoreLanes;
  const uint32_t column = t % kSide;
  const uint32_t half = t / kSide;
  __syncthreads();

#pragma unroll 1
  for (uint32_t j0 = begin; j0 < end; j0 += kSide) {
#pragma unroll 1
    for (uint32_t j = t / kScoreLanes; j < kSide; j += kFewThreads / kScoreLanes) {
      float score[kFewAttention];
#pragma unroll
      for (uint32_t r = 0; r < kFewAttention; r++) score[r] = 0.0f;
      const float* key = keys + (size_t)min(j0 + j, end - 1) * size.kStride;
#pragma unroll 2
      for (uint32_t d = 4 * lane; d < Dk; d += 4 * kScoreLanes) {
        const float4 four = loadSome<F32>(key + d, Dk - d, aligned);
#pragma unroll
        for (uint32_t r = 0; r < kFewAttention; r++) {
          if (r >= count) break;
          const float4 query = *reinterpret_cast<const float4*>(queries + r * kFewWidth + d);
          score[r] += (four.x * query.x + four.y * query.y) + (four.z * query.z + four.w * query.w);
        }
      }
#pragma unroll
      for (uint32_t r = 0; r < kFewAttention; r++) {
        const float whole = warpSum<kScoreLanes>(score[r]);
        if (lane == r) powers[j * kFewAttention + r] = whole * scale;
      }
    }
    __syncthreads();
    float highest = kLeastScore;
#pragma unroll
    for (uint32_t j = t % 16; j < kSide; j += 16) {
      if (j0 + j < ownKeys && j0 + j < end) highest = fmaxf(highest, powers[j * kFewAttention + own]);
    }
    const float next = fmaxf(largest, warpReduce<Max, 16>(highest));
    float added = 0.0f;
#pragma unroll
    for (uint32_t j = t % 16; j < kSide; j += 16) {
      float* place = powers + j * kFewAttention + own;
      const float power = j0 + j < ownKeys && j0 + j < end ? expf(*place - next) : 0.0f;
      *place = power;
      added += power;
    }
    const float shrink = expf(largest - next);
    total = total * shrink + warpSum<16>(added);
    largest = next;
    if (t % 16 == 0) factor[own] = shrink;
    __syncthreads();
#pragma unroll
    for (uint32_t r = 0; r < kFewAttention; r++) {
#pragma unroll
      for (uint32_t c = 0; c < kColumns; c++) sum[r][c] *= factor[r];
    }
    // Values of keys that the first row does not see may be NaN.
    const uint32_t seen = min(keysOf(0), end);
#pragma unroll 2
    for (uint32_t j = half * kWarp; j < (half + 1) * kWarp; j++) {
      if (j0 + j >= end) break;
      const bool all = j0 + j < seen;
      float power[kFewAttention];
      unpack(*reinterpret_cast<const float4*>(powers + j * kFewAttention), power);
      unpack(*reinterpret_cast<const float4*>(powers + j * kFewAttention + 4), power + 4);
#pragma unroll
      for (uint32_t c = 0; c < kColumns; c++) {
        if (c * kSide + column >= Dv) break;
        const float value = values[(size_t)(j0 + j) * size.vStride + c * kSide + column];
#pragma unroll
        for (uint32_t r = 0; r < kFewAttention; r++) {
          if (all || j0 + j < keysOf(r)) sum[r][c] += power[r] * value;
        }
      }
    }
    __syncthreads();
  }

  // The two halves of the keys of each tile.
  if (half == 1) {
#pragma unroll
    for (uint32_t r = 0; r < kFewAttention; r++) {
#pragma unroll
      for (uint32_t c = 0; c < kColumns; c++) halves[r * kFewWidth + c * kSide + column] = sum[r][c];
    }
  }
  const bool whole = partial == nullptr;
  const size_t place = (((size_t)blockIdx.y * size.batch + b) * size.kvHeads + kv) * rows + first;
  if (t % 16 == 0) {
    factor[own] = whole ? 1.0f / total : 1.0f;
    if (!whole && own < count) {
      partialSums[(place + own) * 2] = largest;
      partialSums[(place + own) * 2 + 1] = total;
    }
  }
  __syncthreads();
  if (half == 1) return;
#pragma unroll
  for (uint32_t r = 0; r < kFewAttention; r++) {
    if (r >= count) break;
    const uint32_t row = first + r;
    const size_t position = (size_t)b * size.length + row / group;
    float* to = whole ? y + (position * size.heads + kv * group + row % group) * Dv : partial + (place + r) * Dv;
#pragma unroll
    for (uint32_t c = 0; c < kColumns; c++) {
      const uint32_t d = c * kSide + column;
      if (d < Dv) to[d] = (sum[r][c] + halves[r * kFewWidth + d]) * factor[r];
    }
  }
}
