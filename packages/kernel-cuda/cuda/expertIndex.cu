#include "experts.cuh"

constexpr uint32_t kExpertIndexBlock = 512;

// The index of the choices, as in experts.cuh. Each block sorts in the choices of one expert; each of its warps goes twice
// over its own chunk of the choices.
extern "C" __global__ void __launch_bounds__(kExpertIndexBlock)
    expertIndex(const int32_t* __restrict__ experts, uint32_t* __restrict__ index, uint32_t choices,
                uint32_t expertCount) {
  constexpr uint32_t kWarps = kExpertIndexBlock / kWarp;
  __shared__ uint32_t scratch[kWarp];
  __shared__ uint32_t own[kWarps];
  const uint32_t e = blockIdx.x;
  const uint32_t lane = threadIdx.x % kWarp;
  const uint32_t warp = threadIdx.x / kWarp;
  const uint32_t size = (choices + kWarps - 1) / kWarps;
  const uint32_t first = min(warp * size, choices);
  const uint32_t end = min(first + size, choices);
  uint32_t lower = 0;
  uint32_t equal = 0;
  for (uint32_t p = first + lane; p < end; p += kWarp) {
    const uint32_t id = clampedExpert(experts[p], expertCount);
    lower += id < e ? 1 : 0;
    equal += id == e ? 1 : 0;
  }
  equal = warpReduce<Sum>(equal);
  if (lane == 0) own[warp] = equal;
  const uint32_t start = blockReduce<Sum>(lower, 0u, scratch);
  uint32_t at = start;
  for (uint32_t w = 0; w < warp; w++) at += own[w];
  if (threadIdx.x == 0) {
    index[e] = start;
    if (e == expertCount - 1) index[expertCount] = choices;
  }
  uint32_t* order = index + expertCount + 1;
  for (uint32_t base = first; base < end; base += kWarp) {
    const uint32_t p = base + lane;
    const bool hit = p < end && clampedExpert(experts[p], expertCount) == e;
    const uint32_t which = __ballot_sync(kAllLanes, hit);
    if (hit) order[at + __popc(which & ((1u << lane) - 1u))] = p;
    at += (uint32_t)__popc(which);
  }
}
