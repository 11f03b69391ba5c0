#include "sequences.cuh"

// Ranks per thread. The W-1 ranks before them are read by two threads; the second read hits a cache.
constexpr uint32_t kConvChunk = 16;

template <bool kPacked>
struct ConvRow {
  Sequences<kPacked> ranks;
  const float* x;        // the channel at the first position of the row
  const float* initial;  // the channel's W-1 inputs before the row, or null
  uint32_t stride;
  uint32_t kept;  // W-1

  __device__ inline float real(uint32_t rank) const { return x[(size_t)ranks.position(rank) * stride]; }

  // The input at a rank, from -(W-1) on.
  __device__ inline float at(int32_t rank) const {
    if (rank >= 0) return real((uint32_t)rank);
    return initial == nullptr ? 0.0f : initial[(int32_t)kept + rank];
  }

  // The same for the sequence that starts at rank `start`: 0 before it, unless it is the first.
  __device__ inline float of(int32_t start, int32_t rank) const {
    return kPacked && start > 0 && rank < start ? 0.0f : at(rank);
  }
};

// Loads that a thread issues together, before the arithmetic that uses them.
constexpr uint32_t kConvAhead = 8;

// y at ranks [first, last), for a width known at compile time. The inputs of the next rank are kept in registers.
template <uint32_t W, bool kPacked>
__device__ inline void convFixedWidth(const ConvRow<kPacked>& row, const float* __restrict__ taps, float bias,
                                      float* __restrict__ y, uint32_t channels, int32_t first, int32_t last,
                                      bool activate) {
  float tap[W];
  // The W-1 inputs before the next rank, then the inputs loaded ahead.
  float inputs[W - 1 + kConvAhead];
#pragma unroll
  for (uint32_t k = 0; k < W; k++) tap[k] = taps[k];
#pragma unroll
  for (uint32_t k = 0; k < W - 1; k++) inputs[k] = row.at(first - (int32_t)(W - 1) + (int32_t)k);
  for (int32_t rank = first; rank < last; rank += kConvAhead) {
#pragma unroll
    for (uint32_t k = 0; k < kConvAhead; k++) {
      const int32_t next = rank + (int32_t)k;
      inputs[W - 1 + k] = next < last ? row.real((uint32_t)next) : 0.0f;
    }
#pragma unroll
    for (uint32_t k = 0; k < kConvAhead; k++) {
      const int32_t next = rank + (int32_t)k;
      const int32_t start = kPacked && next < last ? (int32_t)row.ranks.start((uint32_t)next) : 0;
      float sum = bias;
#pragma unroll
      for (uint32_t i = 0; i < W; i++) {
        const bool earlier = kPacked && start > 0 && next - (int32_t)(W - 1) + (int32_t)i < start;
        sum += tap[i] * (earlier ? 0.0f : inputs[k + i]);
      }
      if (next < last) y[(size_t)row.ranks.position((uint32_t)next) * channels] = activate ? siluOf(sum) : sum;
    }
#pragma unroll
    for (uint32_t k = 0; k < W - 1; k++) inputs[k] = inputs[kConvAhead + k];
  }
}

// y at ranks [first, last), for any width: every input is read again from the cache.
template <bool kPacked>
__device__ inline void convAnyWidth(const ConvRow<kPacked>& row, const float* __restrict__ taps, float bias,
                                    float* __restrict__ y, uint32_t channels, int32_t first, int32_t last,
                                    bool activate) {
  for (int32_t rank = first; rank < last; rank++) {
    const int32_t start = (int32_t)row.ranks.start((uint32_t)rank);
    float sum = bias;
    for (uint32_t k = 0; k <= row.kept; k++) sum += taps[k] * row.of(start, rank - (int32_t)row.kept + (int32_t)k);
    y[(size_t)row.ranks.position((uint32_t)rank) * channels] = activate ? siluOf(sum) : sum;
  }
}

// Adjacent threads compute adjacent channels. Each block computes blockDim.x channels of a chunk of 16 ranks. When `finalState`
// is given, one more block per row copies the last W-1 inputs of the last sequence to it.
template <bool kPacked>
__device__ inline void convChunk(const float* __restrict__ x, const float* __restrict__ weight,
                                 const float* __restrict__ bias, const float* __restrict__ initial,
                                 const uint32_t* __restrict__ index, float* __restrict__ y,
                                 float* __restrict__ finalState, uint32_t length, uint32_t channels, uint32_t width,
                                 uint32_t xStride, uint32_t activate) {
  const uint32_t groups = (channels + blockDim.x - 1) / blockDim.x;
  const uint32_t chunks = (length + kConvChunk - 1) / kConvChunk;
  const uint32_t rowBlocks = chunks + (finalState == nullptr ? 0 : 1);
  const uint32_t d = (blockIdx.x % groups) * blockDim.x + threadIdx.x;
  const uint32_t chunk = blockIdx.x / groups % rowBlocks;
  const uint32_t b = blockIdx.x / groups / rowBlocks;
  if (d >= channels) return;
  const Sequences<kPacked> ranks(index, b, length);
  const size_t start = (size_t)b * length;
  const uint32_t kept = width - 1;
  const size_t held = ((size_t)b * channels + d) * kept;
  const ConvRow<kPacked> row = {ranks, x + start * xStride + d, initial == nullptr ? nullptr : initial + held, xStride,
                                kept};
  if (chunk == chunks) {
    const int32_t lastStart = (int32_t)ranks.lastStart();
    for (uint32_t k = 0; k < kept; k++) {
      finalState[held + k] = row.of(lastStart, (int32_t)ranks.count - (int32_t)kept + (int32_t)k);
    }
    return;
  }

  const uint32_t first = chunk * kConvChunk;
  const uint32_t to = min(first + kConvChunk, length);
  const uint32_t last = min(to, ranks.count);
  float* out = y + start * channels + d;
  if (kPacked) {
    for (uint32_t rank = max(first, last); rank < to; rank++) out[(size_t)ranks.position(rank) * channels] = 0.0f;
    if (first >= last) return;
  }
  const float* taps = weight + (size_t)d * width;
  const float offset = bias == nullptr ? 0.0f : bias[d];
  if (width == 4) {
    convFixedWidth<4>(row, taps, offset, out, channels, (int32_t)first, (int32_t)last, activate != 0);
  } else {
    convAnyWidth(row, taps, offset, out, channels, (int32_t)first, (int32_t)last, activate != 0);
  }
}

// y[b,l,d] = act(bias[d] + sum_k weight[d,k] * x[b, l-(W-1)+k, d]). Inputs before the row come from the initial state.
extern "C" __global__ void __launch_bounds__(256)
    causalConv1d(const float* __restrict__ x, const float* __restrict__ weight, const float* __restrict__ bias,
                 const float* __restrict__ initial, float* __restrict__ y, float* __restrict__ finalState,
                 uint32_t length, uint32_t channels, uint32_t width, uint32_t xStride, uint32_t activate) {
  convChunk<false>(x, weight, bias, initial, nullptr, y, finalState, length, channels, width, xStride, activate);
}

// The same with packed sequences: l counts the real positions of a sequence, and y is 0 in padding. Inputs before the first
// sequence come from the initial state, and those before another sequence are 0.
extern "C" __global__ void __launch_bounds__(256)
    causalConv1dPacked(const float* __restrict__ x, const float* __restrict__ weight, const float* __restrict__ bias,
                       const float* __restrict__ initial, const uint32_t* __restrict__ index, float* __restrict__ y,
                       float* __restrict__ finalState, uint32_t length, uint32_t channels, uint32_t width,
                       uint32_t xStride, uint32_t activate) {
  convChunk<true>(x, weight, bias, initial, index, y, finalState, length, channels, width, xStride, activate);
}
