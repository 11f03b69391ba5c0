#include "ssd.cuh"

// Backward of ssdScan: see ssd.cuh and ssdScan.cu. With S the state that enters a chunk, G the gradient of the state that
// leaves it, e[i, j] = exp(cs[i] - cs[j]), and sums over ranks of one sequence:
//   U[j]         = sum_{i >= j} e[i, j] (C[i] · B[j]) dy[i] + exp(cs[last] - cs[j]) G · B[j]
//   dx[j]        = weight[j] U[j] + D dy[j]             dweight[j] = x[j] · U[j]            dD = sum_j dy[j] · x[j]
//   dscore[i, j] = e[i, j] weight[j] dy[i] · x[j]
//   dC[i]        = sum_j dscore[i, j] B[j] + exp(cs[i]) Sᵀ dy[i]                            over all heads of the group
//   dB[j]        = sum_i dscore[i, j] C[i] + weight[j] exp(cs[last] - cs[j]) Gᵀ x[j]        over all heads of the group
//   dlogDecay[t] = sum_{j < t <= i} dscore[i, j] (C[i] · B[j]) + sum_{i >= t} exp(cs[i]) dy[i] · (S C[i])
//                + sum_{j < t} weight[j] exp(cs[last] - cs[j]) x[j] · (G B[j]) + exp(cs[last]) G · S
// The last line adds up the terms of each t and subtracts none, so that no digits cancel.

// One head in a chunk: dx, dweight, dlogDecay, its dscores [B, chunks, H, 64 (j), 64 (i)] and its part of dD [B, chunks, H].
extern "C" __global__ void __launch_bounds__(kSideThreads, 3)
    ssdScanBackward(const float* __restrict__ x, const float* __restrict__ B, const float* __restrict__ C,
                    const float* __restrict__ logDecay, const float* __restrict__ weight, const float* __restrict__ D,
                    const uint32_t* __restrict__ index, const float* __restrict__ dy, const float* __restrict__ scores,
                    const float* __restrict__ states, const float* __restrict__ flow, float* __restrict__ dx,
                    float* __restrict__ dLogDecay, float* __restrict__ dWeight, float* __restrict__ dScores,
                    float* __restrict__ dD, SsdSizes size) {
  __shared__ SsdChunk at;
  __shared__ TileMask mask;
  __shared__ float scratch[2 * kSide];
  __shared__ float entering[kSide];
  __shared__ float leaving[kSide];
  __shared__ alignas(16) float matrix[kSide * kSidePitch];
  __shared__ alignas(16) float tiles[2 * kSideTile];
  const uint32_t P = size.headDim;
  const uint32_t N = size.stateSize;
  const uint32_t place = blockIdx.x;
  const uint32_t h = place % size.heads;
  const uint32_t chunk = place / size.heads % size.chunks;
  const uint32_t b = place / size.heads / size.chunks;
  const uint32_t g = h / (size.heads / size.groups);
  const uint32_t t = threadIdx.x;
  loadPlaces(at, index, b, chunk, size.length);
  loadDecays(at, logDecay, weight, size, h);
  const float* score = scores + (((size_t)b * size.chunks + chunk) * size.groups + g) * (kSide * kSide);
  const auto xAt = [&](uint32_t j, uint32_t p) {
    return j < at.count && p < P ? x[(size_t)at.row[j] * size.xStride + h * P + p] : 0.0f;
  };
  const auto dyAt = [&](uint32_t i, uint32_t p) {
    return i < at.count && p < P ? dy[(size_t)at.row[i] * size.dyStride + h * P + p] : 0.0f;
  };

  // dy[i] · x[j], then e[i, j] (C[i] · B[j]) (dy[i] · x[j]) to `matrix` as [j, i]: the terms of dweight, and times weight[j]
  // those of dlogDecay.
  {
    TileSums sum;
    clearSums(sum);
    addProduct<Layout::Along, Layout::Along>(sum, {at.count, at.count}, P, dyAt, xAt, tiles);
    float* to = dScores + (size_t)place * (kSide * kSide);
    float own = 0.0f;
#pragma unroll
    for (uint32_t k = 0; k < 4; k++) {
      const uint32_t j = tileColumn() + k;
#pragma unroll
      for (uint32_t l = 0; l < 8; l++) {
        const uint32_t i = tileRow(l);
        const bool term = reaches(at, j, i);
        const float flowing = term ? sum[l][k] * decayBetween(at, i, j) : 0.0f;
        to[j * kSide + i] = term ? flowing * at.weight[j] : 0.0f;
        matrix[j * kSidePitch + i] = term ? flowing * score[j * kSide + i] : 0.0f;
        if (i == j && term) own += sum[l][k];
      }
    }
    const float total = blockSum(own, scratch);
    if (t == 0) dD[place] = total;
  }
  // The sums over i >= t of dweight start at t, which avoids bank conflicts; then matrix[t, i] = the sum over j < t of the
  // terms (j, i) of dlogDecay, and the sums over i >= t of these.
  __syncthreads();
  float weightGradient = 0.0f;
  if (t < kSide) {
    for (uint32_t i = t; i < kSide; i++) weightGradient += matrix[t * kSidePitch + i];
  }
  __syncthreads();
  if (t < kSide) {
    float run = 0.0f;
    for (uint32_t j = 0; j < kSide; j++) {
      // Ranks that do not reach t have no term, whatever their weight is.
      const float term = reaches(at, j, t) ? matrix[j * kSidePitch + t] * at.weight[j] : 0.0f;
      matrix[j * kSidePitch + t] = run;
      run += term;
    }
  }
  __syncthreads();
  float decayGradient = 0.0f;
  if (t < kSide) {
    for (uint32_t i = t; i < kSide; i++) decayGradient += matrix[t * kSidePitch + i];
  }
  __syncthreads();

  // e[i, j] (C[i] · B[j]) to `matrix` as [i, j], and the mask of each j.
  if (t < kSide) {
    uint32_t end = t;
    while (end < at.count && at.start[end] <= t) end++;
    setTerms(mask, t, t, end);
  }
#pragma unroll 4
  for (uint32_t j = t / kSide; j < kSide; j += kSideThreads / kSide) {
    const uint32_t i = t % kSide;
    matrix[i * kSidePitch + j] = reaches(at, j, i) ? score[j * kSide + i] * decayBetween(at, i, j) : 0.0f;
  }
  const float* state = states == nullptr ? nullptr : states + (size_t)place * P * N;
  const float* gradient = flow + (size_t)place * P * N;
  const uint32_t last = lastStart(at);
  const float skip = D == nullptr ? 0.0f : D[h];
  float enters = 0.0f;
  float leaves = 0.0f;
#pragma unroll 1
  for (uint32_t p0 = 0; p0 < P; p0 += kSide) {
    TileSums sum;
    float part[8];
    const auto addRows = [&](auto valueAt) {
#pragma unroll
      for (uint32_t i = 0; i < 8; i++) {
        part[i] = 0.0f;
#pragma unroll
        for (uint32_t j = 0; j < 4; j++) part[i] += sum[i][j] * valueAt(tileRow(i), p0 + tileColumn() + j);
      }
      return rowTotals(part, scratch);
    };
    if (state != nullptr) {
      clearSums(sum);
      const auto ofC = [&](uint32_t i, uint32_t n) {
        return i < at.continued && n < N ? C[(size_t)at.row[i] * size.cStride + g * N + n] : 0.0f;
      };
      const auto ofState = [&](uint32_t p, uint32_t n) {
        return p0 + p < P && n < N ? state[(size_t)(p0 + p) * N + n] : 0.0f;
      };
      addProduct<Layout::Along, Layout::Along>(sum, {at.continued, P - p0}, N, ofC, ofState, tiles);
      const float total = addRows(dyAt);
      if (t < at.continued) enters += total * decayTo(at, t);
    }
    clearSums(sum);
    const auto ofB = [&](uint32_t j, uint32_t n) {
      return j >= last && j < at.count && n < N ? B[(size_t)at.row[j] * size.bStride + g * N + n] : 0.0f;
    };
    const auto ofGradient = [&](uint32_t p, uint32_t n) {
      return p0 + p < P && n < N ? gradient[(size_t)(p0 + p) * N + n] : 0.0f;
    };
    addProduct<Layout::Along, Layout::Along>(sum, {at.count, P - p0}, N, ofB, ofGradient, tiles);
#pragma unroll
    for (uint32_t i = 0; i < 8; i++) {
      const uint32_t j = tileRow(i);
      const bool inLast = j >= last && j < at.count;
      const float decay = inLast ? decayBetween(at, at.count - 1, j) : 0.0f;
#pragma unroll
      for (uint32_t k = 0; k < 4; k++) sum[i][k] = inLast ? sum[i][k] * decay : 0.0f;
    }
    const float total = addRows(xAt);
    if (t >= last && t < at.count) {
      leaves += total * at.weight[t];
      weightGradient += total;
    }
    const auto ofDy = [&](uint32_t p, uint32_t i) { return dyAt(i, p0 + p < P ? p0 + p : P); };
    addMasked<Layout::Across>(sum, {at.count, P - p0}, at.count, matrix, mask, ofDy, tiles);
#pragma unroll
    for (uint32_t i = 0; i < 8; i++) {
      const uint32_t j = tileRow(i);
      if (j >= at.ranks) continue;
      const bool real = j < at.count;
#pragma unroll
      for (uint32_t k = 0; k < 4; k++) {
        const uint32_t p = p0 + tileColumn() + k;
        if (p >= P) continue;
        float value = real ? at.weight[j] * sum[i][k] : 0.0f;
        if (real && D != nullptr) value += skip * dyAt(j, p);
        dx[(size_t)at.row[j] * size.heads * P + h * P + p] = value;
      }
    }
  }

  // The terms of the states at both ends of the chunk.
  const float pass = passing(at);
  float both = 0.0f;
  if (state != nullptr && pass >= 0.0f) {
    for (uint32_t i = t; i < P * N; i += kSideThreads) both += state[i] * gradient[i];
  }
  both = blockSum(both, scratch);
  if (t < kSide) {
    entering[t] = enters;
    leaving[t] = leaves;
  }
  __syncthreads();
  if (t >= at.ranks) return;
  float after = 0.0f;
  for (uint32_t i = at.continued; i-- > t;) after += entering[i];
  float before = 0.0f;
  for (uint32_t j = last; j < t && j < at.count; j++) before += leaving[j];
  if (state != nullptr && !(pass < 0.0f)) after += pass * both;
  const size_t to = (size_t)at.row[t] * size.heads + h;
  dLogDecay[to] = t < at.count ? decayGradient + after + before : 0.0f;
  dWeight[to] = t < at.count ? weightGradient : 0.0f;
}

// dC (kOfC) or dB of a group in a chunk: the sum over its heads. `other` is B for dC and C for dB, `values` dy for dC and x
// for dB, `states` [B, chunks, H, P, N] the state that enters the chunk for dC (null: zeros), the gradient of the one that
// leaves it for dB. Each block computes 64 columns.
template <bool kOfC>
__device__ inline void groupGradient(const float* other, const float* values, const float* logDecay, const float* weight,
                                     const uint32_t* index, const float* dScores, const float* states, float* to,
                                     const SsdSizes& size) {
  __shared__ SsdChunk at;
  __shared__ TileMask mask;
  __shared__ float factor[kSide];
  __shared__ alignas(16) float matrix[kSide * kSidePitch];
  __shared__ alignas(16) float tiles[2 * kSideTile];
  const uint32_t P = size.headDim;
  const uint32_t N = size.stateSize;
  const uint32_t tile = blockIdx.x % sideTiles(N);
  const uint32_t place = blockIdx.x / sideTiles(N);
  const uint32_t g = place % size.groups;
  const uint32_t chunk = place / size.groups % size.chunks;
  const uint32_t b = place / size.groups / size.chunks;
  const uint32_t n0 = tile * kSide;
  const uint32_t heads = size.heads / size.groups;
  const uint32_t otherStride = kOfC ? size.bStride : size.cStride;
  const uint32_t valueStride = kOfC ? size.dyStride : size.xStride;
  const uint32_t t = threadIdx.x;
  loadPlaces(at, index, b, chunk, size.length);
  const uint32_t low = kOfC ? 0 : lastStart(at);
  const uint32_t high = kOfC ? at.continued : at.count;
  const size_t firstHead = ((size_t)b * size.chunks + chunk) * size.heads + g * heads;

  if (t < kSide) {
    uint32_t from = t < at.count ? at.start[t] : 0;
    uint32_t end = t < at.count ? t + 1 : 0;
    if (!kOfC) {
      from = end = t;
      while (end < at.count && at.start[end] <= t) end++;
    }
    setTerms(mask, t, from, end);
  }
  for (uint32_t e = t; e < kSide * kSide; e += kSideThreads) {
    const uint32_t i = e % kSide;
    const uint32_t j = e / kSide;
    float total = 0.0f;
    if (j <= i) {
#pragma unroll 4
      for (uint32_t h = 0; h < heads; h++) total += dScores[(firstHead + h) * (kSide * kSide) + e];
    }
    matrix[kOfC ? j * kSidePitch + i : i * kSidePitch + j] = total;
  }

  TileSums sum;
  clearSums(sum);
  if (states != nullptr) {
#pragma unroll 1
    for (uint32_t own = 0; own < heads; own++) {
      const uint32_t h = g * heads + own;
      loadDecays(at, logDecay, weight, size, h);
      if (t < kSide && within(t, low, high)) factor[t] = kOfC ? decayTo(at, t) : decayBetween(at, at.count - 1, t) * at.weight[t];
      __syncthreads();
      const float* state = states + (firstHead + own) * P * N;
      const auto ofValues = [&](uint32_t i, uint32_t p) {
        if (!within(i, low, high) || p >= P) return 0.0f;
        return factor[i] * values[(size_t)at.row[i] * valueStride + h * P + p];
      };
      const auto ofState = [&](uint32_t n, uint32_t p) {
        return n0 + n < N && p < P ? state[(size_t)p * N + n0 + n] : 0.0f;
      };
      addProduct<Layout::Along, Layout::Across>(sum, {high, N - n0}, P, ofValues, ofState, tiles);
    }
#pragma unroll
    for (uint32_t i = 0; i < 8; i++) {
      if (within(tileRow(i), low, high)) continue;
#pragma unroll
      for (uint32_t j = 0; j < 4; j++) sum[i][j] = 0.0f;
    }
  }
  const auto ofOther = [&](uint32_t n, uint32_t j) {
    return j < at.count && n0 + n < N ? other[(size_t)at.row[j] * otherStride + g * N + n0 + n] : 0.0f;
  };
  addMasked<Layout::Across>(sum, {at.count, N - n0}, at.count, matrix, mask, ofOther, tiles);
#pragma unroll
  for (uint32_t i = 0; i < 8; i++) {
    const uint32_t r = tileRow(i);
    if (r >= at.ranks) continue;
#pragma unroll
    for (uint32_t j = 0; j < 4; j++) {
      const uint32_t n = n0 + tileColumn() + j;
      if (n < N) to[(size_t)at.row[r] * size.groups * N + g * N + n] = r < at.count ? sum[i][j] : 0.0f;
    }
  }
}

extern "C" __global__ void __launch_bounds__(kSideThreads, 3)
    ssdScanBackwardC(const float* __restrict__ B, const float* __restrict__ dy, const float* __restrict__ logDecay,
                     const float* __restrict__ weight, const uint32_t* __restrict__ index,
                     const float* __restrict__ dScores, const float* __restrict__ states, float* __restrict__ dC,
                     SsdSizes size) {
  groupGradient<true>(B, dy, logDecay, weight, index, dScores, states, dC, size);
}

extern "C" __global__ void __launch_bounds__(kSideThreads, 3)
    ssdScanBackwardB(const float* __restrict__ C, const float* __restrict__ x, const float* __restrict__ logDecay,
                     const float* __restrict__ weight, const uint32_t* __restrict__ index,
                     const float* __restrict__ dScores, const float* __restrict__ flow, float* __restrict__ dB,
                     SsdSizes size) {
  groupGradient<false>(C, x, logDecay, weight, index, dScores, flow, dB, size);
}
