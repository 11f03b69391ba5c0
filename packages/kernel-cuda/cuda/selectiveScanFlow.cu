#include "scan.cuh"

constexpr uint32_t kFlowBlock = 64;
constexpr uint32_t kFlowHalf = kScanStates / 2;

// The first launch of the backward: the gradient that each chunk of 16 positions passes to the previous chunk when none enters
// it. With ds = dy silu(z), from r = 0,
//   r[l-1] = exp(dt[l] * A) * (r[l] + ds[l] * C[l])
// The result goes to `slots` [chunks, B, N, D], and the sum of the steps dt to `sums` [chunks, B, D]. selectiveScanCarry
// follows, backwards. Two adjacent threads compute two channels as in selectiveScan; each block computes 64 channels of one
// chunk.
extern "C" __global__ void __launch_bounds__(kFlowBlock, 6)
    selectiveScanFlow(const float* __restrict__ delta, const float* __restrict__ A, const float* __restrict__ C,
                      const float* __restrict__ z, const float* __restrict__ deltaBias,
                      const int32_t* __restrict__ range, const float* __restrict__ dy, float* __restrict__ slots,
                      float* __restrict__ sums, uint32_t batch, uint32_t length, uint32_t channels, uint32_t stateSize,
                      uint32_t deltaStride, uint32_t cStride, uint32_t zStride, uint32_t dyStride,
                      uint32_t deltaSoftplus) {
  __shared__ float4 staged[kScanKept * kScanStates / 4];
  const ScanInputs in = {nullptr, delta,    A,         nullptr, C,           nullptr, z,       deltaBias, range,        batch,
                         length,  channels, stateSize, 0,       deltaStride, 0,       cStride, zStride,   deltaSoftplus};
  const uint32_t tiles = (channels + kFlowBlock - 1) / kFlowBlock;
  const uint32_t chunks = (length + kScanKept - 1) / kScanKept;
  const uint32_t tid = threadIdx.x;
  const uint32_t d = (blockIdx.x % tiles) * kFlowBlock + tid;
  const uint32_t c = blockIdx.x / tiles % chunks;
  const uint32_t b = blockIdx.x / tiles / chunks;
  const bool mine = d < channels;
  const uint32_t half = (tid & 1) * kFlowHalf;
  const Range real = rangeOf(range, b, length);
  const uint32_t from = c * kScanKept;
  const size_t row = (size_t)b * length + from;
  const auto isReal = [&](uint32_t t) { return from + t >= real.start && from + t < real.end; };

  float dt[kScanKept];
  float ds[kScanKept];
  float total = 0.0f;
  const float bias = mine && deltaBias != nullptr ? deltaBias[d] : 0.0f;
#pragma unroll
  for (uint32_t t = 0; t < kScanKept; t++) {
    const bool wanted = mine && isReal(t);
    dt[t] = wanted ? stepSize(in, delta[(row + t) * deltaStride + d] + bias) : 0.0f;
    ds[t] = wanted ? dy[(row + t) * dyStride + d] : 0.0f;
    if (wanted && z != nullptr) ds[t] *= scanSilu(z[(row + t) * zStride + d]);
    total += dt[t];
  }
  if (mine) sums[((size_t)c * batch + b) * channels + d] = total;

  const float* Cs = reinterpret_cast<const float*>(staged);
  for (uint32_t first = 0; first < stateSize; first += kScanStates) {
    const uint32_t n = first + half;
    __syncthreads();
#pragma unroll
    for (uint32_t k = tid; k < kScanKept * kScanStates; k += kFlowBlock) {
      const uint32_t t = k / kScanStates;
      const uint32_t column = first + k % kScanStates;
      const bool wanted = column < stateSize && isReal(t);
      reinterpret_cast<float*>(staged)[k] = wanted ? C[(row + t) * cStride + column] : 0.0f;
    }
    __syncthreads();
    float ownRate[kFlowHalf];
    float otherRate[kFlowHalf];
    float own[kFlowHalf];
    float other[kFlowHalf];
#pragma unroll
    for (uint32_t i = 0; i < kFlowHalf; i++) {
      ownRate[i] = rateAt(in, d, n + i);
      otherRate[i] = rateAt(in, d ^ 1, n + i);
      own[i] = 0.0f;
      other[i] = 0.0f;
    }
#pragma unroll
    for (uint32_t t = kScanKept; t-- > 0;) {
      const float otherDt = __shfl_xor_sync(kAllLanes, dt[t], 1);
      const float otherDs = __shfl_xor_sync(kAllLanes, ds[t], 1);
#pragma unroll
      for (uint32_t i = 0; i < kFlowHalf; i += 4) {
        const float4 out4 = *reinterpret_cast<const float4*>(Cs + t * kScanStates + half + i);
        const float cs[4] = {out4.x, out4.y, out4.z, out4.w};
#pragma unroll
        for (uint32_t j = 0; j < 4; j++) {
          own[i + j] = exp2Fast(dt[t] * ownRate[i + j]) * (own[i + j] + ds[t] * cs[j]);
          other[i + j] = exp2Fast(otherDt * otherRate[i + j]) * (other[i + j] + otherDs * cs[j]);
        }
      }
    }
#pragma unroll
    for (uint32_t i = 0; i < kFlowHalf; i++) {
      if (n + i >= stateSize) continue;
      if (mine) slots[slotOf(in, c, b, n + i, d)] = own[i];
      if ((d ^ 1) < channels) slots[slotOf(in, c, b, n + i, d ^ 1)] = other[i];
    }
  }
}
