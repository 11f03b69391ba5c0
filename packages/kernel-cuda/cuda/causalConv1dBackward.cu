#include "sequences.cuh"

constexpr uint32_t kConvBackBlock = 128;
// Blocks per multiprocessor: at most 128 registers per thread. Without it ptxas takes fewer for some architectures, and spills.
constexpr uint32_t kConvBackBlocks = 4;

// One channel of one batch row.
template <bool kPacked>
struct ConvBack {
  Sequences<kPacked> ranks;
  const float* x;        // at the first position of the row
  const float* dy;       // at the first position of the row
  const float* initial;  // the channel's W-1 inputs before the row, or null
  const float* dFinal;   // the gradient of the last sequence's last W-1 inputs, or null
  uint32_t xStride;
  uint32_t dyStride;
  int32_t kept;  // W-1
  bool silu;

  __device__ inline int32_t size() const { return (int32_t)ranks.count; }

  // The input at a rank, from -(W-1) on.
  __device__ inline float input(int32_t rank) const {
    if (rank >= 0) return x[(size_t)ranks.position((uint32_t)rank) * xStride];
    return initial == nullptr ? 0.0f : initial[kept + rank];
  }

  // dy act'(s), where s is the sum before the activation
  __device__ inline float gradient(int32_t rank, float sum) const {
    const float flow = dy[(size_t)ranks.position((uint32_t)rank) * dyStride];
    return silu ? flow * siluSlope(sum) : flow;
  }

  // The gradient that reaches an input through the final state.
  __device__ inline float through(int32_t rank) const {
    const int32_t at = rank - (size() - kept);
    if (kPacked && (int32_t)ranks.lastStart() > max(rank, 0)) return 0.0f;
    return dFinal != nullptr && at >= 0 ? dFinal[at] : 0.0f;
  }
};

template <bool kPacked>
__device__ inline ConvBack<kPacked> convBackRow(const float* dy, const float* x, const float* initial,
                                                const float* dFinal, const uint32_t* index, uint32_t b, uint32_t d,
                                                uint32_t length, uint32_t channels, uint32_t width, uint32_t dyStride,
                                                uint32_t xStride, uint32_t silu) {
  const size_t start = (size_t)b * length;
  const size_t held = ((size_t)b * channels + d) * (width - 1);
  return {Sequences<kPacked>(index, b, length),
          x + start * xStride + d,
          dy + start * dyStride + d,
          initial == nullptr ? nullptr : initial + held,
          dFinal == nullptr ? nullptr : dFinal + held,
          xStride,
          dyStride,
          (int32_t)width - 1,
          silu != 0};
}

// dx at ranks [first, last), and their sums for the gradients of the weight and the bias. The outputs at the W-1 following ranks
// depend on these inputs too, so their gradients are computed again here. A weight narrower than W uses the last taps only; the
// first `unused` taps are absent.
template <uint32_t W, bool kPacked>
__device__ inline void convBackChunk(const ConvBack<kPacked>& row, const float* __restrict__ taps, float bias,
                                     float* __restrict__ dx, uint32_t channels, int32_t first, int32_t last,
                                     float* __restrict__ dWeight, float* __restrict__ dBias) {
  const uint32_t unused = W - 1 - (uint32_t)row.kept;
  float tap[W];
  float inputs[W];  // the inputs of the sum at `rank`
  float flow[W];    // the gradients of the last W sums
  float ofTap[W];
  float ofBias = 0.0f;
  // Bit k is set when a sequence starts at rank - (W-1) + k.
  uint32_t fresh = 0;
#pragma unroll
  for (uint32_t k = 0; k < W; k++) {
    tap[k] = k >= unused ? taps[k - unused] : 0.0f;
    inputs[k] = k > unused && first < last ? row.input(first - (int32_t)W + (int32_t)k) : 0.0f;
    flow[k] = 0.0f;
    ofTap[k] = 0.0f;
  }
  const int32_t end = first < last ? last + (int32_t)W - 1 : first;
  for (int32_t rank = first; rank < end; rank++) {
#pragma unroll
    for (uint32_t k = 1; k < W; k++) {
      inputs[k - 1] = inputs[k];
      flow[k - 1] = flow[k];
    }
    flow[W - 1] = 0.0f;
    fresh >>= 1;
    if (rank < min(last + row.kept, row.size())) {
      inputs[W - 1] = row.input(rank);
      const int32_t start = (int32_t)row.ranks.start((uint32_t)rank);
      if (kPacked && start > 0) {
        if (start == rank) fresh |= 1u << (W - 1);
#pragma unroll
        for (uint32_t k = 0; k < W - 1; k++) {
          if (rank - (int32_t)(W - 1) + (int32_t)k < start) inputs[k] = 0.0f;
        }
      }
      float sum = bias;
#pragma unroll
      for (uint32_t k = 0; k < W; k++) {
        if (k >= unused) sum += tap[k] * inputs[k];
      }
      flow[W - 1] = row.gradient(rank, sum);
      if (rank < last) {
        ofBias += flow[W - 1];
#pragma unroll
        for (uint32_t k = 0; k < W; k++) {
          if (k >= unused) ofTap[k] += flow[W - 1] * inputs[k];
        }
      }
    }
    const int32_t to = rank - (int32_t)W + 1;
    if (to < first) continue;
    // The gradients of the next sequence are not those of this input.
    uint32_t own = W;
    if (kPacked) {
#pragma unroll
      for (uint32_t k = W - 1; k > 0; k--) own = (fresh >> k & 1) != 0 ? k : own;
    }
    float sum = row.through(to);
#pragma unroll
    for (uint32_t k = 0; k < W; k++) {
      if (k >= unused && (!kPacked || W - 1 - k < own)) sum += tap[k] * flow[W - 1 - k];
    }
    dx[(size_t)row.ranks.position((uint32_t)to) * channels] = sum;
  }
#pragma unroll
  for (uint32_t k = 0; k < W; k++) {
    if (k >= unused) dWeight[k - unused] = ofTap[k];
  }
  if (dBias != nullptr) *dBias = ofBias;
}

// One thread per channel and chunk of `chunkLength` ranks.
template <bool kPacked>
__device__ inline void convBack(const float* __restrict__ dy, const float* __restrict__ x,
                                const float* __restrict__ weight, const float* __restrict__ bias,
                                const float* __restrict__ initial, const uint32_t* __restrict__ index,
                                const float* __restrict__ dFinal, float* __restrict__ dx, float* __restrict__ dWeight,
                                float* __restrict__ dBias, uint32_t length, uint32_t channels, uint32_t width,
                                uint32_t dyStride, uint32_t xStride, uint32_t silu, uint32_t chunkLength) {
  const uint32_t groups = (channels + kConvBackBlock - 1) / kConvBackBlock;
  const uint32_t chunks = (length + chunkLength - 1) / chunkLength;
  const uint32_t d = (blockIdx.x % groups) * kConvBackBlock + threadIdx.x;
  const uint32_t chunk = blockIdx.x / groups % chunks;
  const uint32_t b = blockIdx.x / groups / chunks;
  if (d >= channels) return;
  const ConvBack<kPacked> row =
      convBackRow<kPacked>(dy, x, initial, dFinal, index, b, d, length, channels, width, dyStride, xStride, silu);
  const uint32_t from = chunk * chunkLength;
  const uint32_t to = min(from + chunkLength, length);
  const int32_t first = (int32_t)from;
  const int32_t last = kPacked ? max(first, (int32_t)min(to, row.ranks.count)) : (int32_t)to;
  float* out = dx + (size_t)b * length * channels + d;
  if (kPacked) {
    for (uint32_t rank = (uint32_t)last; rank < to; rank++) out[(size_t)row.ranks.position(rank) * channels] = 0.0f;
  }
  const size_t sums = ((size_t)b * chunks + chunk) * channels + d;
  const float offset = bias == nullptr ? 0.0f : bias[d];
  float* ofBias = dBias == nullptr ? nullptr : dBias + sums;
  const float* taps = weight + (size_t)d * width;
  if (width <= 4) {
    convBackChunk<4>(row, taps, offset, out, channels, first, last, dWeight + sums * width, ofBias);
  } else {
    convBackChunk<16>(row, taps, offset, out, channels, first, last, dWeight + sums * width, ofBias);
  }
}

// With s[l] = bias + sum_k weight[k] x[l-(W-1)+k] and ds = dy act'(s), for each channel:
//   dx[l] = sum_k ds[l+(W-1)-k] weight[k], and dFinalState for the last W-1 inputs
//   dWeight[k] = sum_l ds[l] x[l-(W-1)+k]        dBias = sum_l ds[l]
// dWeight [B, chunks, D, W] and dBias [B, chunks, D] are sums over chunks.
extern "C" __global__ void __launch_bounds__(kConvBackBlock, kConvBackBlocks)
    causalConv1dBackward(const float* __restrict__ dy, const float* __restrict__ x, const float* __restrict__ weight,
                         const float* __restrict__ bias, const float* __restrict__ initial,
                         const float* __restrict__ dFinal, float* __restrict__ dx, float* __restrict__ dWeight,
                         float* __restrict__ dBias, uint32_t length, uint32_t channels, uint32_t width,
                         uint32_t dyStride, uint32_t xStride, uint32_t silu, uint32_t chunkLength) {
  convBack<false>(dy, x, weight, bias, initial, nullptr, dFinal, dx, dWeight, dBias, length, channels, width, dyStride,
                  xStride, silu, chunkLength);
}

// The same with packed sequences: l counts the real positions of a sequence, no gradient crosses its ends, dFinalState belongs to
// the last one, and dx is 0 in padding.
extern "C" __global__ void __launch_bounds__(kConvBackBlock, kConvBackBlocks)
    causalConv1dBackwardPacked(const float* __restrict__ dy, const float* __restrict__ x,
                               const float* __restrict__ weight, const float* __restrict__ bias,
                               const float* __restrict__ initial, const uint32_t* __restrict__ index,
                               const float* __restrict__ dFinal, float* __restrict__ dx, float* __restrict__ dWeight,
                               float* __restrict__ dBias, uint32_t length, uint32_t channels, uint32_t width,
                               uint32_t dyStride, uint32_t xStride, uint32_t silu, uint32_t chunkLength) {
  convBack<true>(dy, x, weight, bias, initial, index, dFinal, dx, dWeight, dBias, length, channels, width, dyStride,
                 xStride, silu, chunkLength);
}

// The gradient of the initial state's input j of channel d, which only the first sequence has.
template <bool kPacked>
__device__ inline float convBackState(const ConvBack<kPacked>& row, const float* __restrict__ taps, float bias,
                                      int32_t j) {
  float total = row.through(j - row.kept);
  for (int32_t k = 0; k <= j; k++) {
    const int32_t rank = j - k;
    if (rank >= row.size() || row.ranks.start((uint32_t)rank) > 0) continue;
    float sum = bias;
    for (int32_t m = 0; m <= row.kept; m++) sum += taps[m] * row.input(rank - row.kept + m);
    total += row.gradient(rank, sum) * taps[k];
  }
  return total;
}

// dInitialState [B, D, W-1]: the formula of dx above, for the W-1 inputs before the row. `index` is null without packed
// sequences. One thread per element.
extern "C" __global__ void __launch_bounds__(kConvBackBlock, 2 * kConvBackBlocks)
    causalConv1dBackwardState(const float* __restrict__ dy, const float* __restrict__ x,
                              const float* __restrict__ weight, const float* __restrict__ bias,
                              const float* __restrict__ initial, const uint32_t* __restrict__ index,
                              const float* __restrict__ dFinal, float* __restrict__ dInitial, uint32_t batch,
                              uint32_t length, uint32_t channels, uint32_t width, uint32_t dyStride, uint32_t xStride,
                              uint32_t silu) {
  const uint32_t kept = width - 1;
  const size_t i = (size_t)blockIdx.x * kConvBackBlock + threadIdx.x;
  if (i >= (size_t)batch * channels * kept) return;
  const int32_t j = (int32_t)(i % kept);
  const uint32_t d = (uint32_t)(i / kept % channels);
  const uint32_t b = (uint32_t)(i / kept / channels);
  const float* taps = weight + (size_t)d * width;
  const float offset = bias == nullptr ? 0.0f : bias[d];
  if (index == nullptr) {
    const ConvBack<false> row =
        convBackRow<false>(dy, x, initial, dFinal, index, b, d, length, channels, width, dyStride, xStride, silu);
    dInitial[i] = convBackState(row, taps, offset, j);
  } else {
    const ConvBack<true> row =
        convBackRow<true>(dy, x, initial, dFinal, index, b, d, length, channels, width, dyStride, xStride, silu);
    dInitial[i] = convBackState(row, taps, offset, j);
  }
}
