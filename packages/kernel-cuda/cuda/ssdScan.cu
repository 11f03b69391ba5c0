#include "ssd.cuh"

// Forward of ssdScan: see ssd.cuh. For each chunk and head, with a state S that enters it,
//   y[i] = exp(cs[i]) S · C[i] + sum_{j <= i} exp(cs[i] - cs[j]) (C[i] · B[j]) weight[j] x[j] + D x[i]
//   S'   = exp(cs[last]) S + sum_j exp(cs[last] - cs[j]) weight[j] x[j] ⊗ B[j]
// in four launches: the products C · B of each group, the sums of each chunk, the states from chunk to chunk, and y. A row of y
// depends on the positions of its chunk up to its own and on S alone, in a fixed order.

// scores [B, chunks, G, 64 (j), 64 (i)] = C[i] · B[j]
extern "C" __global__ void __launch_bounds__(kSideThreads, 3)
    ssdScores(const float* __restrict__ B, const float* __restrict__ C, const uint32_t* __restrict__ index,
              float* __restrict__ scores, SsdSizes size) {
  __shared__ SsdChunk at;
  __shared__ alignas(16) float tiles[2 * kSideTile];
  const uint32_t g = blockIdx.x % size.groups;
  const uint32_t chunk = blockIdx.x / size.groups % size.chunks;
  const uint32_t b = blockIdx.x / size.groups / size.chunks;
  const uint32_t N = size.stateSize;
  loadPlaces(at, index, b, chunk, size.length);
  TileSums sum;
  clearSums(sum);
  const auto ofC = [&](uint32_t i, uint32_t n) {
    return i < at.count && n < N ? C[(size_t)at.row[i] * size.cStride + g * N + n] : 0.0f;
  };
  const auto ofB = [&](uint32_t j, uint32_t n) {
    return j < at.count && n < N ? B[(size_t)at.row[j] * size.bStride + g * N + n] : 0.0f;
  };
  addProduct<Layout::Along, Layout::Along>(sum, {at.count, at.count}, N, ofC, ofB, tiles);
  float* to = scores + (size_t)blockIdx.x * (kSide * kSide);
#pragma unroll
  for (uint32_t j = 0; j < 4; j++) {
#pragma unroll
    for (uint32_t half = 0; half < 8; half += 4) {
      *reinterpret_cast<float4*>(to + (tileColumn() + j) * kSide + tileRow(half)) =
          make_float4(sum[half][j], sum[half + 1][j], sum[half + 2][j], sum[half + 3][j]);
    }
  }
}

// Forward: states [B, chunks, H, P, N] = sum_j exp(cs[last] - cs[j]) weight[j] x[j] ⊗ B[j] over the last sequence of a chunk.
// Backward: the gradient that a chunk passes to the one before, sum_i exp(cs[i]) dy[i] ⊗ C[i] over the ranks that continue it,
// for x = dy and B = C. passes [B, chunks, H] is the decay over a chunk. Each block computes a tile of P by N.
template <bool kBackward>
__device__ inline void chunkStates(const float* x, const float* B, const float* logDecay, const float* weight,
                                   const uint32_t* index, float* states, float* passes, const SsdSizes& size,
                                   uint32_t xStride, uint32_t bStride) {
  __shared__ SsdChunk at;
  __shared__ float factor[kSide];
  __shared__ alignas(16) float tiles[2 * kSideTile];
  const uint32_t P = size.headDim;
  const uint32_t N = size.stateSize;
  const uint32_t right = sideTiles(N);
  const uint32_t each = sideTiles(P) * right;
  const uint32_t tile = blockIdx.x % each;
  const uint32_t place = blockIdx.x / each;
  const uint32_t h = place % size.heads;
  const uint32_t chunk = place / size.heads % size.chunks;
  const uint32_t b = place / size.heads / size.chunks;
  const uint32_t g = h / (size.heads / size.groups);
  const uint32_t p0 = tile / right * kSide;
  const uint32_t n0 = tile % right * kSide;
  loadPlaces(at, index, b, chunk, size.length);
  loadDecays(at, logDecay, weight, size, h);
  const uint32_t low = kBackward ? 0 : lastStart(at);
  const uint32_t high = kBackward ? at.continued : at.count;
  const uint32_t t = threadIdx.x;
  if (t < kSide && within(t, low, high)) factor[t] = kBackward ? decayTo(at, t) : decayBetween(at, at.count - 1, t) * at.weight[t];
  if (t == 0 && tile == 0) passes[place] = passing(at);
  __syncthreads();

  TileSums sum;
  clearSums(sum);
  const auto ofX = [&](uint32_t p, uint32_t i) {
    if (!within(i, low, high) || p0 + p >= P) return 0.0f;
    return factor[i] * x[(size_t)at.row[i] * xStride + h * P + p0 + p];
  };
  const auto ofB = [&](uint32_t n, uint32_t i) {
    if (!within(i, low, high) || n0 + n >= N) return 0.0f;
    return B[(size_t)at.row[i] * bStride + g * N + n0 + n];
  };
  addProduct<Layout::Across, Layout::Across>(sum, {P - p0, N - n0}, high, ofX, ofB, tiles);
  float* to = states + (size_t)place * P * N;
#pragma unroll
  for (uint32_t i = 0; i < 8; i++) {
    const uint32_t p = p0 + tileRow(i);
#pragma unroll
    for (uint32_t j = 0; j < 4; j++) {
      const uint32_t n = n0 + tileColumn() + j;
      if (p < P && n < N) to[(size_t)p * N + n] = sum[i][j];
    }
  }
}

extern "C" __global__ void __launch_bounds__(kSideThreads, 3)
    ssdChunkStates(const float* __restrict__ x, const float* __restrict__ B, const float* __restrict__ logDecay,
                   const float* __restrict__ weight, const uint32_t* __restrict__ index, float* __restrict__ states,
                   float* __restrict__ passes, SsdSizes size) {
  chunkStates<false>(x, B, logDecay, weight, index, states, passes, size, size.xStride, size.bStride);
}

extern "C" __global__ void __launch_bounds__(kSideThreads, 3)
    ssdChunkFlow(const float* __restrict__ dy, const float* __restrict__ C, const float* __restrict__ logDecay,
                 const float* __restrict__ weight, const uint32_t* __restrict__ index, float* __restrict__ flow,
                 float* __restrict__ passes, SsdSizes size) {
  chunkStates<true>(dy, C, logDecay, weight, index, flow, passes, size, size.dyStride, size.cStride);
}

constexpr uint32_t kSsdCarryBlock = 128;

// Carries a state [B, H, P, N] from chunk to chunk, forwards or backwards: `states` [B, chunks, H, P, N] has what each chunk
// adds and gets what enters it. `start` enters the first chunk (null: zeros), `end` gets what leaves the last one (null: not
// wanted). One thread per number.
extern "C" __global__ void __launch_bounds__(kSsdCarryBlock)
    ssdCarry(const float* __restrict__ start, const float* __restrict__ passes, float* __restrict__ states,
             float* __restrict__ end, uint32_t chunks, uint32_t heads, uint32_t headNumbers, uint32_t backwards) {
  // Chunks whose loads are issued together.
  constexpr uint32_t kAtOnce = 4;
  const uint32_t numbers = heads * headNumbers;
  const uint32_t blocks = (numbers + kSsdCarryBlock - 1) / kSsdCarryBlock;
  const uint32_t b = blockIdx.x / blocks;
  const uint32_t i = blockIdx.x % blocks * kSsdCarryBlock + threadIdx.x;
  if (i >= numbers) return;
  const uint32_t h = i / headNumbers;
  const size_t own = (size_t)b * numbers + i;
  float carried = start == nullptr ? 0.0f : start[own];
  for (uint32_t from = 0; from < chunks; from += kAtOnce) {
    float added[kAtOnce];
    float pass[kAtOnce];
#pragma unroll
    for (uint32_t k = 0; k < kAtOnce; k++) {
      const uint32_t at = min(from + k, chunks - 1);
      const size_t c = (size_t)b * chunks + (backwards ? chunks - 1 - at : at);
      added[k] = states[c * numbers + i];
      pass[k] = passes[c * heads + h];
    }
#pragma unroll
    for (uint32_t k = 0; k < kAtOnce; k++) {
      if (from + k >= chunks) break;
      const size_t c = (size_t)b * chunks + (backwards ? chunks - 1 - from - k : from + k);
      states[c * numbers + i] = carried;
      carried = pass[k] < 0.0f ? added[k] : pass[k] * carried + added[k];
    }
  }
  if (end != nullptr) end[own] = carried;
}

// y from the scores and the states that enter each chunk (null: zeros). Each block computes 64 columns of a head in a chunk.
extern "C" __global__ void __launch_bounds__(kSideThreads, 3)
    ssdOutputs(const float* __restrict__ x, const float* __restrict__ C, const float* __restrict__ logDecay,
               const float* __restrict__ weight, const float* __restrict__ D, const uint32_t* __restrict__ index,
               const float* __restrict__ scores, const float* __restrict__ states, float* __restrict__ y,
               SsdSizes size) {
  __shared__ SsdChunk at;
  __shared__ TileMask mask;
  __shared__ alignas(16) float matrix[kSide * kSidePitch];
  __shared__ alignas(16) float tiles[2 * kSideTile];
  const uint32_t P = size.headDim;
  const uint32_t N = size.stateSize;
  const uint32_t tile = blockIdx.x % sideTiles(P);
  const uint32_t place = blockIdx.x / sideTiles(P);
  const uint32_t h = place % size.heads;
  const uint32_t chunk = place / size.heads % size.chunks;
  const uint32_t b = place / size.heads / size.chunks;
  const uint32_t g = h / (size.heads / size.groups);
  const uint32_t p0 = tile * kSide;
  loadPlaces(at, index, b, chunk, size.length);
  loadDecays(at, logDecay, weight, size, h);

  const uint32_t i = threadIdx.x % kSide;
  if (threadIdx.x < kSide) setTerms(mask, i, i < at.count ? at.start[i] : 0, i < at.count ? i + 1 : 0);
  const float* score = scores + (((size_t)b * size.chunks + chunk) * size.groups + g) * (kSide * kSide);
#pragma unroll 4
  for (uint32_t j = threadIdx.x / kSide; j < kSide; j += kSideThreads / kSide) {
    const float factor = reaches(at, j, i) ? score[j * kSide + i] * decayBetween(at, i, j) * at.weight[j] : 0.0f;
    matrix[j * kSidePitch + i] = factor;
  }

  TileSums sum;
  clearSums(sum);
  if (states != nullptr) {
    const float* state = states + (size_t)place * P * N;
    const auto ofC = [&](uint32_t i, uint32_t n) {
      return i < at.continued && n < N ? C[(size_t)at.row[i] * size.cStride + g * N + n] : 0.0f;
    };
    const auto ofState = [&](uint32_t p, uint32_t n) {
      return p0 + p < P && n < N ? state[(size_t)(p0 + p) * N + n] : 0.0f;
    };
    addProduct<Layout::Along, Layout::Along>(sum, {at.continued, P - p0}, N, ofC, ofState, tiles);
#pragma unroll
    for (uint32_t i = 0; i < 8; i++) {
      const bool continues = tileRow(i) < at.continued;
      const float decay = continues ? decayTo(at, tileRow(i)) : 0.0f;
#pragma unroll
      for (uint32_t j = 0; j < 4; j++) sum[i][j] = continues ? sum[i][j] * decay : 0.0f;
    }
  }
  const auto ofX = [&](uint32_t p, uint32_t j) {
    return j < at.count && p0 + p < P ? x[(size_t)at.row[j] * size.xStride + h * P + p0 + p] : 0.0f;
  };
  addMasked<Layout::Across>(sum, {at.count, P - p0}, at.count, matrix, mask, ofX, tiles);
  const float skip = D == nullptr ? 0.0f : D[h];
#pragma unroll
  for (uint32_t i = 0; i < 8; i++) {
    if (tileRow(i) >= at.ranks) continue;
    const size_t row = at.row[tileRow(i)];
    const bool real = tileRow(i) < at.count;
#pragma unroll
    for (uint32_t j = 0; j < 4; j++) {
      const uint32_t p = p0 + tileColumn() + j;
      if (p >= P) continue;
      float value = real ? sum[i][j] : 0.0f;
      if (real && D != nullptr) value += skip * x[row * size.xStride + h * P + p];
      y[row * size.heads * P + h * P + p] = value;
    }
  }
}
