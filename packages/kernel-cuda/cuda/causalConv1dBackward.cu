#include "common.cuh"

constexpr uint32_t kConvBackBlock = 128;

// One channel of one batch row; positions count from the start of the range.
struct ConvBack {
  const float* x;        // at the first position of the range
  const float* dy;       // at the first position of the range
  const float* initial;  // the channel's W-1 inputs before the range, or null
  const float* dFinal;   // the gradient of the W-1 last inputs, or null
  uint32_t xStride;
  uint32_t dyStride;
  int32_t kept;  // W-1
  int32_t size;  // number of positions in the range
  bool silu;

  __device__ inline float input(int32_t position) const {
    if (position >= 0) return x[(size_t)position * xStride];
    return initial == nullptr ? 0.0f : initial[kept + position];
  }

  // dy act'(s), where s is the sum before the activation
  __device__ inline float gradient(int32_t position, float sum) const {
    const float flow = dy[(size_t)position * dyStride];
    return silu ? flow * siluSlope(sum) : flow;
  }

  // The gradient that reaches an input through the final state.
  __device__ inline float through(int32_t position) const {
    const int32_t at = position - (size - kept);
    return dFinal != nullptr && at >= 0 ? dFinal[at] : 0.0f;
  }
};

__device__ inline ConvBack convBackRow(const float* dy, const float* x, const float* initial, const float* dFinal,
                                       Range real, uint32_t b, uint32_t d, uint32_t length, uint32_t channels,
                                       uint32_t width, uint32_t dyStride, uint32_t xStride, uint32_t silu) {
  const size_t start = (size_t)b * length + real.start;
  const size_t held = ((size_t)b * channels + d) * (width - 1);
  return {x + start * xStride + d,
          dy + start * dyStride + d,
          initial == nullptr ? nullptr : initial + held,
          dFinal == nullptr ? nullptr : dFinal + held,
          xStride,
          dyStride,
          (int32_t)width - 1,
          (int32_t)(real.end - real.start),
          silu != 0};
}

// dx at positions [first, last), and their sums for the gradients of the weight and the bias. The outputs at the W-1
// following positions depend on these inputs too, so their gradients are computed again here. A weight narrower than W uses
// the last taps only; the first `unused` taps are absent.
template <uint32_t W>
__device__ inline void convBackChunk(const ConvBack& row, const float* __restrict__ taps, float bias,
                                     float* __restrict__ dx, uint32_t channels, int32_t first, int32_t last,
                                     float* __restrict__ dWeight, float* __restrict__ dBias) {
  const uint32_t unused = W - 1 - (uint32_t)row.kept;
  float tap[W];
  float inputs[W];  // the inputs of the sum at `position`
  float flow[W];    // the gradients of the last W sums
  float ofTap[W];
  float ofBias = 0.0f;
#pragma unroll
  for (uint32_t k = 0; k < W; k++) {
    tap[k] = k >= unused ? taps[k - unused] : 0.0f;
    inputs[k] = k > unused && first < last ? row.input(first - (int32_t)W + (int32_t)k) : 0.0f;
    flow[k] = 0.0f;
    ofTap[k] = 0.0f;
  }
  const int32_t end = first < last ? last + (int32_t)W - 1 : first;
  for (int32_t position = first; position < end; position++) {
#pragma unroll
    for (uint32_t k = 1; k < W; k++) {
      inputs[k - 1] = inputs[k];
      flow[k - 1] = flow[k];
    }
    flow[W - 1] = 0.0f;
    if (position < min(last + row.kept, row.size)) {
      inputs[W - 1] = row.input(position);
      float sum = bias;
#pragma unroll
      for (uint32_t k = 0; k < W; k++) {
        if (k >= unused) sum += tap[k] * inputs[k];
      }
      flow[W - 1] = row.gradient(position, sum);
      if (position < last) {
        ofBias += flow[W - 1];
#pragma unroll
        for (uint32_t k = 0; k < W; k++) {
          if (k >= unused) ofTap[k] += flow[W - 1] * inputs[k];
        }
      }
    }
    const int32_t to = position - (int32_t)W + 1;
    if (to < first) continue;
    float sum = row.through(to);
#pragma unroll
    for (uint32_t k = 0; k < W; k++) {
      if (k >= unused) sum += tap[k] * flow[W - 1 - k];
    }
    dx[(size_t)to * channels] = sum;
  }
#pragma unroll
  for (uint32_t k = 0; k < W; k++) {
    if (k >= unused) dWeight[k - unused] = ofTap[k];
  }
  if (dBias != nullptr) *dBias = ofBias;
}

// With s[l] = bias + sum_k weight[k] x[l-(W-1)+k] and ds = dy act'(s), for each channel:
//   dx[l] = sum_k ds[l+(W-1)-k] weight[k], and dFinalState for the last W-1 inputs; 0 outside of the range
//   dWeight[k] = sum_l ds[l] x[l-(W-1)+k]        dBias = sum_l ds[l]
// dWeight [B, chunks, D, W] and dBias [B, chunks, D] are sums over chunks of `chunkLength` positions, one thread per channel
// and chunk.
extern "C" __global__ void __launch_bounds__(kConvBackBlock)
    causalConv1dBackward(const float* __restrict__ dy, const float* __restrict__ x, const float* __restrict__ weight,
                         const float* __restrict__ bias, const float* __restrict__ initial,
                         const int32_t* __restrict__ range, const float* __restrict__ dFinal, float* __restrict__ dx,
                         float* __restrict__ dWeight, float* __restrict__ dBias, uint32_t length, uint32_t channels,
                         uint32_t width, uint32_t dyStride, uint32_t xStride, uint32_t silu,
                         uint32_t chunkLength) {
  const uint32_t groups = (channels + kConvBackBlock - 1) / kConvBackBlock;
  const uint32_t chunks = (length + chunkLength - 1) / chunkLength;
  const uint32_t d = (blockIdx.x % groups) * kConvBackBlock + threadIdx.x;
  const uint32_t chunk = blockIdx.x / groups % chunks;
  const uint32_t b = blockIdx.x / groups / chunks;
  if (d >= channels) return;
  const Range real = rangeOf(range, b, length);
  const ConvBack row =
      convBackRow(dy, x, initial, dFinal, real, b, d, length, channels, width, dyStride, xStride, silu);
  const uint32_t from = chunk * chunkLength;
  const uint32_t to = min(from + chunkLength, length);
  const uint32_t first = max(from, real.start);
  const uint32_t last = max(first, min(to, real.end));
  float* out = dx + (size_t)b * length * channels + d;
  for (uint32_t l = from; l < min(first, to); l++) out[(size_t)l * channels] = 0.0f;
  for (uint32_t l = last; l < to; l++) out[(size_t)l * channels] = 0.0f;
  const int32_t begin = (int32_t)(first - real.start);
  const int32_t end = (int32_t)(last - real.start);
  const size_t sums = ((size_t)b * chunks + chunk) * channels + d;
  const float offset = bias == nullptr ? 0.0f : bias[d];
  float* ofBias = dBias == nullptr ? nullptr : dBias + sums;
  float* rangeOut = out + (size_t)real.start * channels;
  const float* taps = weight + (size_t)d * width;
  if (width <= 4) {
    convBackChunk<4>(row, taps, offset, rangeOut, channels, begin, end, dWeight + sums * width, ofBias);
  } else {
    convBackChunk<16>(row, taps, offset, rangeOut, channels, begin, end, dWeight + sums * width, ofBias);
  }
}

// dInitialState [B, D, W-1]: the formula of dx above, for the W-1 inputs before the range. One thread per element.
extern "C" __global__ void __launch_bounds__(kConvBackBlock)
    causalConv1dBackwardState(const float* __restrict__ dy, const float* __restrict__ x,
                              const float* __restrict__ weight, const float* __restrict__ bias,
                              const float* __restrict__ initial, const int32_t* __restrict__ range,
                              const float* __restrict__ dFinal, float* __restrict__ dInitial, uint32_t batch,
                              uint32_t length, uint32_t channels, uint32_t width, uint32_t dyStride, uint32_t xStride,
                              uint32_t silu) {
  const uint32_t kept = width - 1;
  const size_t i = (size_t)blockIdx.x * kConvBackBlock + threadIdx.x;
  if (i >= (size_t)batch * channels * kept) return;
  const int32_t j = (int32_t)(i % kept);
  const uint32_t d = (uint32_t)(i / kept % channels);
  const uint32_t b = (uint32_t)(i / kept / channels);
  const Range real = rangeOf(range, b, length);
  const ConvBack row =
      convBackRow(dy, x, initial, dFinal, real, b, d, length, channels, width, dyStride, xStride, silu);
  const float* taps = weight + (size_t)d * width;
  float total = row.through(j - (int32_t)kept);
  for (int32_t k = 0; k <= j; k++) {
    const int32_t position = j - k;
    if (position >= row.size) continue;
    float sum = bias == nullptr ? 0.0f : bias[d];
    for (int32_t m = 0; m <= (int32_t)kept; m++) sum += taps[m] * row.input(position - (int32_t)kept + m);
    total += row.gradient(position, sum) * taps[k];
  }
  dInitial[i] = total;
}
