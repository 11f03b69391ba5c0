#include "positions.cuh"
#include "rows.cuh"

// counted[s] = the number of positions of sequence s. One block per sequence.
extern "C" __global__ void __launch_bounds__(kRowsBlock)
    meanPositionsCount(const int32_t* __restrict__ ids, const int32_t* __restrict__ ranges, float* __restrict__ counted,
                       uint32_t positions, uint32_t length) {
  __shared__ uint32_t scratch[kWarp];
  const Positions at = {ids, ranges, positions, length};
  const Range range = rangeOf(at, blockIdx.x);
  uint32_t count = 0;
  for (uint32_t p = range.start + threadIdx.x; p < range.end; p += blockDim.x) count += counts(at, blockIdx.x, p);
  count = blockReduce<Sum>(count, 0u, scratch);
  if (threadIdx.x == 0) counted[blockIdx.x] = (float)count;
}

// dx[p, d] = dy[s, d] / count(s) for the positions p of sequence s, 0 for padding. `counted` is null when each row of `length`
// positions is one sequence. Each block computes 1,024 elements.
extern "C" __global__ void __launch_bounds__(kRowsBlock)
    meanPositionsBackward(const float* __restrict__ dy, const int32_t* __restrict__ ids,
                          const int32_t* __restrict__ ranges, const float* __restrict__ counted,
                          float* __restrict__ dx, uint32_t positions, uint32_t length, uint32_t features,
                          uint32_t sequences, uint32_t stride) {
  const size_t count = (size_t)positions * features;
  const size_t block = (size_t)blockIdx.x * (4 * kRowsBlock);
  const Positions at = {ids, ranges, positions, length};
#pragma unroll
  for (uint32_t k = 0; k < 4; k++) {
    const size_t i = block + k * kRowsBlock + threadIdx.x;
    if (i >= count) return;
    const bool small = i <= 0xffffffffu;
    const uint32_t p = small ? (uint32_t)i / features : (uint32_t)(i / features);
    const uint32_t d = (uint32_t)(i - (size_t)p * features);
    // The negative number of padding is a large one here.
    const uint32_t s = ids == nullptr ? p / length : (uint32_t)ids[p];
    float slope = 0.0f;
    if (s < sequences) {
      const Range range = rangeOf(at, s);
      if (p >= range.start && p < range.end) {
        slope = dy[(size_t)s * stride + d] / (counted == nullptr ? (float)length : counted[s]);
      }
    }
    dx[i] = slope;
  }
}
