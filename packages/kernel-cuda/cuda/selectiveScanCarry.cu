#include "scan.cuh"

constexpr uint32_t kCarryBlock = 128;
// Chunks whose slots are loaded together, so that their latencies overlap.
constexpr uint32_t kCarryAhead = 8;

// Carries states over the chunks, from the first to the last or backwards. On entry, slot c of `slots` [chunks, B, N, D] holds
// the result of chunk c from a state of 0; on return, it holds the state (or gradient) that enters chunk c.
//   flow[first] = start      flow[next] = exp(A * sums[c]) * flow[c] + slot[c]
// `start` and `end` are [B, D, N]. A null `start` means 0. `end` receives the state after the last chunk; when it is null, the
// last chunk's slot is not read. One thread per state.
extern "C" __global__ void __launch_bounds__(kCarryBlock)
    selectiveScanCarry(const float* __restrict__ A, const float* __restrict__ sums, const float* __restrict__ start,
                       float* slots, float* __restrict__ end, uint32_t batch, uint32_t channels, uint32_t stateSize,
                       uint32_t chunks, uint32_t backwards) {
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
  float flow = start == nullptr ? 0.0f : start[state];
  for (uint32_t first = 0; first < chunks; first += kCarryAhead) {
    float own[kCarryAhead];
    float steps[kCarryAhead];
#pragma unroll
    for (uint32_t k = 0; k < kCarryAhead; k++) {
      const uint32_t c = backwards ? chunks - 1 - (first + k) : first + k;
      const bool wanted = first + k < asked;
      own[k] = wanted ? slot[c * slotStep] : 0.0f;
      steps[k] = wanted ? sum[c * sumStep] : 0.0f;
    }
#pragma unroll
    for (uint32_t k = 0; k < kCarryAhead; k++) {
      if (first + k >= chunks) continue;
      const uint32_t c = backwards ? chunks - 1 - (first + k) : first + k;
      slot[c * slotStep] = flow;
      flow = decayOver(rate, steps[k]) * flow + own[k];
    }
  }
  if (end != nullptr) end[state] = flow;
}
