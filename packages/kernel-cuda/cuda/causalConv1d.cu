#include "common.cuh"

// Positions per thread. The W-1 positions before them are read by two threads; the second read hits a cache.
constexpr uint32_t kConvChunk = 16;

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

// Loads that a thread issues together, before the arithmetic that uses them.
constexpr uint32_t kConvAhead = 8;

// y at positions [first, last) of the range, for a width known at compile time. The inputs of the next position are kept in
// registers.
template <uint32_t W>
__device__ inline void convFixedWidth(const ConvRow& row, const float* __restrict__ taps, float bias,
                                      float* __restrict__ y, uint32_t channels, int32_t first, int32_t last,
                                      bool activate) {
  float tap[W];
  // The W-1 inputs before the next position, then the inputs loaded ahead.
  float inputs[W - 1 + kConvAhead];
#pragma unroll
  for (uint32_t k = 0; k < W; k++) tap[k] = taps[k];
#pragma unroll
  for (uint32_t k = 0; k < W - 1; k++) inputs[k] = row.at(first - (int32_t)(W - 1) + (int32_t)k);
  for (int32_t position = first; position < last; position += kConvAhead) {
#pragma unroll
    for (uint32_t k = 0; k < kConvAhead; k++) {
      const int32_t next = position + (int32_t)k;
      inputs[W - 1 + k] = next < last ? row.x[(size_t)next * row.stride] : 0.0f;
    }
#pragma unroll
    for (uint32_t k = 0; k < kConvAhead; k++) {
      const int32_t next = position + (int32_t)k;
      float sum = bias;
#pragma unroll
      for (uint32_t i = 0; i < W; i++) sum += tap[i] * inputs[k + i];
      if (next < last) y[(size_t)next * channels] = activate ? siluOf(sum) : sum;
    }
#pragma unroll
    for (uint32_t k = 0; k < W - 1; k++) inputs[k] = inputs[kConvAhead + k];
  }
}

// y at positions [first, last) of the range, for any width: every input is read again from the cache.
__device__ inline void convAnyWidth(const ConvRow& row, const float* __restrict__ taps, float bias,
                                    float* __restrict__ y, uint32_t channels, int32_t first, int32_t last,
                                    bool activate) {
  for (int32_t position = first; position < last; position++) {
    float sum = bias;
    for (uint32_t k = 0; k <= row.kept; k++) sum += taps[k] * row.at(position - (int32_t)row.kept + (int32_t)k);
    y[(size_t)position * channels] = activate ? siluOf(sum) : sum;
  }
}

// y[b,l,d] = act(bias[d] + sum_k weight[d,k] * x[b, l-(W-1)+k, d]) inside the range, and 0 outside. Inputs before the range
// come from the initial state. Adjacent threads compute adjacent channels. Each block computes blockDim.x channels of a chunk
// of 16 positions. When `finalState` is given, one more block per row copies the last W-1 inputs of the range to it.
extern "C" __global__ void __launch_bounds__(256)
    causalConv1d(const float* __restrict__ x, const float* __restrict__ weight, const float* __restrict__ bias,
                 const float* __restrict__ initial, const int32_t* __restrict__ range, float* __restrict__ y,
                 float* __restrict__ finalState, uint32_t length, uint32_t channels, uint32_t width, uint32_t xStride,
                 uint32_t activate) {
  const uint32_t groups = (channels + blockDim.x - 1) / blockDim.x;
  const uint32_t chunks = (length + kConvChunk - 1) / kConvChunk;
  const uint32_t rowBlocks = chunks + (finalState == nullptr ? 0 : 1);
  const uint32_t d = (blockIdx.x % groups) * blockDim.x + threadIdx.x;
  const uint32_t chunk = blockIdx.x / groups % rowBlocks;
  const uint32_t b = blockIdx.x / groups / rowBlocks;
  if (d >= channels) return;
  const Range real = rangeOf(range, b, length);
  const size_t start = (size_t)b * length + real.start;
  const uint32_t kept = width - 1;
  const size_t held = ((size_t)b * channels + d) * kept;
  const ConvRow row = {x + start * xStride + d, initial == nullptr ? nullptr : initial + held, xStride, kept};
  const int32_t size = (int32_t)(real.end - real.start);
  if (chunk == chunks) {
    for (uint32_t k = 0; k < kept; k++) finalState[held + k] = row.at(size - (int32_t)kept + (int32_t)k);
    return;
  }

  const uint32_t from = chunk * kConvChunk;
  const uint32_t to = min(from + kConvChunk, length);
  const uint32_t first = max(from, real.start);
  const uint32_t last = max(first, min(to, real.end));
  float* out = y + (size_t)b * length * channels + d;
  for (uint32_t l = from; l < min(first, to); l++) out[(size_t)l * channels] = 0.0f;
  for (uint32_t l = last; l < to; l++) out[(size_t)l * channels] = 0.0f;
  if (first >= last) return;
  const float* taps = weight + (size_t)d * width;
  const float offset = bias == nullptr ? 0.0f : bias[d];
  float* rangeOut = out + (size_t)real.start * channels;
  const int32_t begin = (int32_t)(first - real.start);
  const int32_t end = (int32_t)(last - real.start);
  if (width == 4) {
    convFixedWidth<4>(row, taps, offset, rangeOut, channels, begin, end, activate != 0);
  } else {
    convAnyWidth(row, taps, offset, rangeOut, channels, begin, end, activate != 0);
  }
}
