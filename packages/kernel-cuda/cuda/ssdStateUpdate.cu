#include "rows.cuh"

// Lanes per row of the state, each with four numbers at a time.
constexpr uint32_t kSsdLanes = 8;
constexpr uint32_t kSsdBlock = 128;

// s = decay s + input B; returns s C
__device__ inline float ssdStep(float& s, float decay, float input, float b, float c) {
  s = decay * s + input * b;
  return s * c;
}

// One position of ssdScan, for x [B, H P], B and C [B, G N], logDecay and weight [B, H]:
//   S = exp(logDecay) S + weight x ⊗ B        in place
//   y = S · C + D x
// Each block computes 16 rows of the state [B H P, N].
extern "C" __global__ void __launch_bounds__(kSsdBlock)
    ssdStateUpdate(const float* __restrict__ x, const float* __restrict__ B, const float* __restrict__ C,
                   const float* __restrict__ logDecay, const float* __restrict__ weight, const float* __restrict__ D,
                   float* __restrict__ state, float* __restrict__ y, uint32_t rows, uint32_t heads, uint32_t headDim,
                   uint32_t groups, uint32_t stateSize, uint32_t xStride, uint32_t bStride, uint32_t cStride,
                   uint32_t decayStride, uint32_t weightStride) {
  const uint32_t wanted = blockIdx.x * (kSsdBlock / kSsdLanes) + threadIdx.x / kSsdLanes;
  const uint32_t lane = threadIdx.x % kSsdLanes;
  // Lanes past the last row add 0 to the sums of their warp.
  const bool mine = wanted < rows;
  const uint32_t row = mine ? wanted : rows - 1;
  const uint32_t column = row % (heads * headDim);
  const uint32_t b = row / (heads * headDim);
  const uint32_t h = column / headDim;
  const uint32_t first = h / (heads / groups) * stateSize;
  const float value = x[(size_t)b * xStride + column];
  const float decay = decayFactor(logDecay[(size_t)b * decayStride + h]);
  const float input = weight[(size_t)b * weightStride + h] * value;
  float* s = state + (size_t)row * stateSize;
  const float* in = B + (size_t)b * bStride + first;
  const float* out = C + (size_t)b * cStride + first;
  float sum = 0.0f;
  const bool four = stateSize % 4 == 0 && bStride % 4 == 0 && cStride % 4 == 0 && isAligned(state, 16) &&
                    isAligned(B, 16) && isAligned(C, 16);
  if (four) {
#pragma unroll 4
    for (uint32_t n = 4 * lane; n < stateSize; n += 4 * kSsdLanes) {
      float4 v = load4<F32>(s + n);
      const float4 p = load4<F32>(in + n);
      const float4 q = load4<F32>(out + n);
      sum += (ssdStep(v.x, decay, input, p.x, q.x) + ssdStep(v.y, decay, input, p.y, q.y)) +
             (ssdStep(v.z, decay, input, p.z, q.z) + ssdStep(v.w, decay, input, p.w, q.w));
      if (mine) *reinterpret_cast<float4*>(s + n) = v;
    }
  } else {
    for (uint32_t n = lane; n < stateSize; n += kSsdLanes) {
      float v = s[n];
      sum += ssdStep(v, decay, input, in[n], out[n]);
      if (mine) s[n] = v;
    }
  }
  sum = warpSum<kSsdLanes>(sum);
  if (!mine || lane != 0) return;
  y[row] = D == nullptr ? sum : sum + D[h] * value;
}
