#include "positions.cuh"

constexpr uint32_t kMaxWarps = 16;
constexpr uint32_t kMaxNone = 0xffffffffu;

struct Largest {
  float value;
  uint32_t at;

  // Takes a later position when it is larger, or the first NaN.
  __device__ inline void take(float other, uint32_t position) {
    if (at != kMaxNone && (isnan(value) || !(other > value || isnan(other)))) return;
    value = other;
    at = position;
  }
  // Takes the result of another warp, whose positions lie between those of this one.
  __device__ inline void join(Largest other) {
    if (other.at == kMaxNone) return;
    const bool same = other.value == value || (isnan(other.value) && isnan(value));
    if (at == kMaxNone || (same ? other.at < at : !isnan(value) && (other.value > value || isnan(other.value)))) {
      *this = other;
    }
  }
};

// y[s, d] = the maximum of x[p, d] over the positions p of sequence s, and index[s, d] = the first p that has it. The first NaN is
// larger than all numbers. Without a position, NaN and -1. Each block computes 32 columns of one sequence; warp w reads every 16th
// position of the range from w on, then the warps' maxima are joined.
extern "C" __global__ void __launch_bounds__(kMaxWarps* kWarp)
    maxPositions(const float* __restrict__ x, const int32_t* __restrict__ ids, const int32_t* __restrict__ ranges,
                 float* __restrict__ y, int32_t* __restrict__ index, uint32_t positions, uint32_t length,
                 uint32_t features, uint32_t stride) {
  __shared__ float values[kMaxWarps * kWarp];
  __shared__ uint32_t places[kMaxWarps * kWarp];
  const uint32_t lane = threadIdx.x % kWarp;
  const uint32_t warp = threadIdx.x / kWarp;
  const uint32_t columnBlocks = (features + kWarp - 1) / kWarp;
  const uint32_t s = blockIdx.x / columnBlocks;
  const uint32_t column = (blockIdx.x % columnBlocks) * kWarp + lane;
  const Positions at = {ids, ranges, positions, length};
  const Range range = rangeOf(at, s);
  Largest own = {floatOf(0x7fc00000u), kMaxNone};
  if (column < features) {
#pragma unroll 4
    for (uint32_t p = range.start + warp; p < range.end; p += kMaxWarps) {
      if (counts(at, s, p)) own.take(x[(size_t)p * stride + column], p);
    }
  }
  values[threadIdx.x] = own.value;
  places[threadIdx.x] = own.at;
  __syncthreads();
  if (warp > 0 || column >= features) return;
  for (uint32_t w = 1; w < kMaxWarps; w++) own.join({values[w * kWarp + lane], places[w * kWarp + lane]});
  y[(size_t)s * features + column] = own.value;
  index[(size_t)s * features + column] = (int32_t)own.at;
}
