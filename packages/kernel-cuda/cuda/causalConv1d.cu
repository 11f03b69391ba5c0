#include "common.cuh"

// Positions that a thread walks along. The W-1 before them are read twice, by two threads, the second time from a cache.
constexpr uint32_t kConvSteps = 16;

struct ConvRow {
  const float* x;        // the channel at the first position of the range
  const float* initial;  // the channel's W-1 inputs before the range, or null
  uint32_t stride;
  uint32_t kept;  // W-1

  // The input at a position counted from the start of the range, from -(W-1) on.
  __device__ inline float at(int32_t position) const {
    if (position >= 0) return x[(size_t)position * stride];
    return initial == nullptr ? 0.0f : initial[(int32_t)kept + position];
  }
};

// Loads that go out together, before the arithmetic that needs them.
constexpr uint32_t kConvAhead = 8;

// y at positions [first, last) of the range, with the inputs that the next one needs in registers.
template <uint32_t W>
__device__ inline void convWindow(const ConvRow& row, const float* __restrict__ taps, float bias, float* __restrict__ y,
                                  uint32_t channels, int32_t first, int32_t last, bool activate) {
  float tap[W];
  // The inputs of the next position, and behind them those of the ones after it.
  float window[W - 1 + kConvAhead];
#pragma unroll
  for (uint32_t k = 0; k < W; k++) tap[k] = taps[k];
#pragma unroll
  for (uint32_t k = 0; k < W - 1; k++) window[k] = row.at(first - (int32_t)(W - 1) + (int32_t)k);
  for (int32_t position = first; position < last; position += kConvAhead) {
#pragma unroll
    for (uint32_t k = 0; k < kConvAhead; k++) {
      const int32_t next = position + (int32_t)k;
      window[W - 1 + k] = next < last ? row.x[(size_t)next * row.stride] : 0.0f;
    }
#pragma unroll
    for (uint32_t k = 0; k < kConvAhead; k++) {
      const int32_t next = position + (int32_t)k;
      float sum = bias;
#pragma unroll
      for (uint32_t i = 0; i < W; i++) sum += tap[i] * window[k + i];
      if (next < last) y[(size_t)next * channels] = activate ? siluOf(sum) : sum;
    }
#pragma unroll
    for (uint32_t k = 0; k < W - 1; k++) window[k] = window[kConvAhead + k];
  }
}

// As above for any width: the inputs come from the cache each time.
__device__ inline void convAnyWidth(const ConvRow& row, const float* __restrict__ taps, float bias,
                                    float* __restrict__ y, uint32_t channels, int32_t first, int32_t last,
                                    bool activate) {
  for (int32_t position = first; position < last; position++) {
    float sum = bias;
    for (uint32_t k = 0; k <= row.kept; k++) sum += taps[k] * row.at(position - (int32_t)row.kept + (int32_t)k);
    y[(size_t)position * channels] = activate ? siluOf(sum) : sum;
  }
}

// y[b,l,d] = act(bias[d] + sum_k weight[d,k] * x[b, l-(W-1)+k, d]), 0 outside of the range; inputs before the range come from
// the initial state. Neighbouring threads have neighbouring channels; a block has blockDim.x of them and 16 positions, or, as
// the last of its row where `finalState` is given, the W-1 last inputs of the range.
extern "C" __global__ void __launch_bounds__(256)
    causalConv1d(const float* __restrict__ x, const float* __restrict__ weight, const float* __restrict__ bias,
                 const float* __restrict__ initial, const int32_t* __restrict__ range, float* __restrict__ y,
                 float* __restrict__ finalState, uint32_t length, uint32_t channels, uint32_t width, uint32_t xStride,
                 uint32_t activate) {
  const uint32_t groups = (channels + blockDim.x - 1) / blockDim.x;
  const uint32_t steps = (length + kConvSteps - 1) / kConvSteps;
  const uint32_t strips = steps + (finalState == nullptr ? 0 : 1);
  const uint32_t d = (blockIdx.x % groups) * blockDim.x + threadIdx.x;
  const uint32_t strip = blockIdx.x / groups % strips;
  const uint32_t b = blockIdx.x / groups / strips;
  if (d >= channels) return;
  const Range slice = rangeOf(range, b, length);
  const size_t start = (size_t)b * length + slice.start;
  const uint32_t kept = width - 1;
  const size_t held = ((size_t)b * channels + d) * kept;
  const ConvRow row = {x + start * xStride + d, initial == nullptr ? nullptr : initial + held, xStride, kept};
  const int32_t size = (int32_t)(slice.end - slice.start);
  if (strip == steps) {
    for (uint32_t k = 0; k < kept; k++) finalState[held + k] = row.at(size - (int32_t)kept + (int32_t)k);
    return;
  }

  const uint32_t from = strip * kConvSteps;
  const uint32_t to = min(from + kConvSteps, length);
  const uint32_t first = max(from, slice.start);
  const uint32_t last = max(first, min(to, slice.end));
  float* out = y + (size_t)b * length * channels + d;
  for (uint32_t l = from; l < min(first, to); l++) out[(size_t)l * channels] = 0.0f;
  for (uint32_t l = last; l < to; l++) out[(size_t)l * channels] = 0.0f;
  if (first >= last) return;
  const float* taps = weight + (size_t)d * width;
  const float offset = bias == nullptr ? 0.0f : bias[d];
  float* real = out + (size_t)slice.start * channels;
  const int32_t begin = (int32_t)(first - slice.start);
  const int32_t end = (int32_t)(last - slice.start);
  if (width == 4) {
    convWindow<4>(row, taps, offset, real, channels, begin, end, activate != 0);
  } else {
    convAnyWidth(row, taps, offset, real, channels, begin, end, activate != 0);
  }
}
