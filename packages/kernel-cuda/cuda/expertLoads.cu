#include "experts.cuh"

// loads[e] = the fraction of all choices that are expert e. One block per expert.
extern "C" __global__ void __launch_bounds__(256)
    expertLoads(const int32_t* __restrict__ experts, float* __restrict__ loads, uint32_t choices, uint32_t expertCount) {
  __shared__ uint32_t scratch[kWarp];
  uint32_t count = 0;
  for (uint32_t p = threadIdx.x; p < choices; p += blockDim.x) {
    count += clampedExpert(experts[p], expertCount) == blockIdx.x ? 1 : 0;
  }
  count = blockReduce<Sum>(count, 0u, scratch);
  if (threadIdx.x == 0) loads[blockIdx.x] = (float)count / (float)choices;
}
