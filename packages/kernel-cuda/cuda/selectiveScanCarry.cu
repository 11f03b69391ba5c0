#include "scan.cuh"

constexpr uint32_t kCarryBlock = 128;
// Chunks whose slots are loaded together, so that their latencies overlap.
constexpr uint32_t kCarryAhead = 8;

// One thread per state. `start` and `end` are [B, D, N]. A null `start` means 0. `end` receives the state after the last chunk; when
// it is null, the last chunk's slot is not read. A chunk has `chunkLength` ranks.
template <bool kPacked>
__device__ inline void carryChunks(const float* __restrict__ A, const float* __restrict__ sums,
                                   const float* __restrict__ start, const uint32_t* __restrict__ index, float* slots,
                                   float* __restrict__ end, uint32_t batch, uint32_t length, uint32_t channels,
                                   uint32_t stateSize, uint32_t chunks, uint32_t chunkLength, uint32_t backwards) {
  const uint32_t blocks = (channels + kCarryBlock - 1) / kCarryBlock;
  const uint32_t d = (blockIdx.x % blocks) * kCarryBlock + threadIdx.x;
  const uint32_t n = blockIdx.x / blocks % stateSize;
  const uint32_t b = blockIdx.x / blocks / stateSize;
  if (d >= channels) return;
  const size_t state = ((size_t)b * channels + d) * stateSize + n;
  const size_t slotStep = (size_t)batch * stateSize * channels;
  const size_t sumStep = (size_t)batch * channels;
  float* slot = slots + ((size_t)b * stateSize + n) * channels + d;
  const float* sum = sums + (size_t)b * channels + d;
  const float rate = decayRate(A[(size_t)d * stateSize + n]);
  const uint32_t asked = end == nullptr ? chunks - 1 : chunks;
  const Sequences<kPacked> ranks(index, b, length);
  float flow = start == nullptr ? 0.0f : start[state];
  for (uint32_t first = 0; first < chunks; first += kCarryAhead) {
    float own[kCarryAhead];
    float steps[kCarryAhead];
    bool fresh[kCarryAhead];
#pragma unroll
    for (uint32_t k = 0; k < kCarryAhead; k++) {
      const uint32_t c = backwards ? chunks - 1 - (first + k) : first + k;
      const bool wanted = first + k < asked;
      own[k] = wanted ? slot[c * slotStep] : 0.0f;
      steps[k] = wanted ? sum[c * sumStep] : 0.0f;
      fresh[k] = false;
      if (kPacked && wanted) fresh[k] = ranks.freshIn(c * chunkLength, (c + 1) * chunkLength);
    }
#pragma unroll
    for (uint32_t k = 0; k < kCarryAhead; k++) {
      if (first + k >= chunks) continue;
      const uint32_t c = backwards ? chunks - 1 - (first + k) : first + k;
      slot[c * slotStep] = flow;
      flow = kPacked && fresh[k] ? own[k] : decayOver(rate, steps[k]) * flow + own[k];
    }
  }
  if (end != nullptr) end[state] = flow;
}

// Carries states over the chunks, from the first to the last or backwards. On entry, slot c of `slots` [chunks, B, N, D] holds
// the result of chunk c from a state of 0; on return, it holds the state (or gradient) that enters chunk c.
//   flow[first] = start      flow[next] = exp(A * sums[c]) * flow[c] + slot[c]
extern "C" __global__ void __launch_bounds__(kCarryBlock)
    selectiveScanCarry(const float* __restrict__ A, const float* __restrict__ sums, const float* __restrict__ start,
                       float* slots, float* __restrict__ end, uint32_t batch, uint32_t channels, uint32_t stateSize,
                       uint32_t chunks, uint32_t backwards) {
  carryChunks<false>(A, sums, start, nullptr, slots, end, batch, 0, channels, stateSize, chunks, 0, backwards);
}

// The same with packed sequences: flow[next] = slot[c] when a sequence other than the first of the row starts in chunk c.
extern "C" __global__ void __launch_bounds__(kCarryBlock)
    selectiveScanCarryPacked(const float* __restrict__ A, const float* __restrict__ sums,
                             const float* __restrict__ start, const uint32_t* __restrict__ index, float* slots,
                             float* __restrict__ end, uint32_t batch, uint32_t length, uint32_t channels,
                             uint32_t stateSize, uint32_t chunks, uint32_t chunkLength, uint32_t backwards) {
  carryChunks<true>(A, sums, start, index, slots, end, batch, length, channels, stateSize, chunks, chunkLength,
                    backwards);
}
