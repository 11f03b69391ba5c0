#include "positions.cuh"

constexpr uint32_t kMeanWarps = 16;

// y[s, d] = the mean of x[p, d] over the positions p of sequence s, NaN when there are none. Each block computes 32 columns of one
// sequence; warp w adds every 16th position of the range from w on, then the warps' sums are added in order.
extern "C" __global__ void __launch_bounds__(kMeanWarps* kWarp)
    meanPositions(const float* __restrict__ x, const int32_t* __restrict__ ids, const int32_t* __restrict__ ranges,
                  float* __restrict__ y, uint32_t positions, uint32_t length, uint32_t features, uint32_t stride) {
  __shared__ float sums[kMeanWarps * kWarp];
  __shared__ uint32_t counted[kMeanWarps];
  const uint32_t lane = threadIdx.x % kWarp;
  const uint32_t warp = threadIdx.x / kWarp;
  const uint32_t columnBlocks = (features + kWarp - 1) / kWarp;
  const uint32_t s = blockIdx.x / columnBlocks;
  const uint32_t column = (blockIdx.x % columnBlocks) * kWarp + lane;
  const Positions at = {ids, ranges, positions, length};
  const Range range = rangeOf(at, s);
  float sum = 0.0f;
  uint32_t count = 0;
#pragma unroll 4
  for (uint32_t p = range.start + warp; p < range.end; p += kMeanWarps) {
    if (!counts(at, s, p)) continue;
    count++;
    if (column < features) sum += x[(size_t)p * stride + column];
  }
  sums[threadIdx.x] = sum;
  if (lane == 0) counted[warp] = count;
  __syncthreads();
  if (warp > 0 || column >= features) return;
  sum = 0.0f;
  count = 0;
#pragma unroll
  for (uint32_t w = 0; w < kMeanWarps; w++) {
    sum += sums[w * kWarp + lane];
    count += counted[w];
  }
  y[(size_t)s * features + column] = sum / (float)count;
}
