#include "rows.cuh"

// Lanes per channel, each with four numbers of its state at a time.
constexpr uint32_t kStateLanes = 4;
constexpr uint32_t kStateBlock = 64;

// h = exp(dt * A) * h + dt * u * B; returns C * h
__device__ inline float stateStep(float& h, float dt, float input, float a, float b, float c) {
  h = decayFactor(dt * a) * h + input * b;
  return c * h;
}

// One step of the scan, for u, delta, z [B, D] and B, C [B, N]:
//   dt = softplus(delta + deltaBias)
//   h  = exp(dt * A) * h + dt * B * u                       in place
//   y  = (sum_n C[n] * h[n] + D * u) * silu(z)
// Each block computes 16 channels of a row.
extern "C" __global__ void __launch_bounds__(kStateBlock)
    selectiveStateUpdate(const float* __restrict__ u, const float* __restrict__ delta, const float* __restrict__ A,
                         const float* __restrict__ B, const float* __restrict__ C, const float* __restrict__ D,
                         const float* __restrict__ z, const float* __restrict__ deltaBias, float* __restrict__ state,
                         float* __restrict__ y, uint32_t channels, uint32_t stateSize, uint32_t uStride,
                         uint32_t deltaStride, uint32_t bStride, uint32_t cStride, uint32_t zStride,
                         uint32_t deltaSoftplus) {
  const uint32_t each = kStateBlock / kStateLanes;
  const uint32_t groups = (channels + each - 1) / each;
  const uint32_t b = blockIdx.x / groups;
  const uint32_t wanted = (blockIdx.x % groups) * each + threadIdx.x / kStateLanes;
  const uint32_t lane = threadIdx.x % kStateLanes;
  // Lanes past the last channel add 0 to the sums of their warp.
  const bool mine = wanted < channels;
  const uint32_t d = mine ? wanted : channels - 1;
  const size_t i = (size_t)b * channels + d;
  const float x = u[(size_t)b * uStride + d];
  float dt = delta[(size_t)b * deltaStride + d];
  if (deltaBias != nullptr) dt += deltaBias[d];
  if (deltaSoftplus) dt = softplus(dt);
  const float input = dt * x;
  float* h = state + i * stateSize;
  const float* decay = A + (size_t)d * stateSize;
  const float* in = B + (size_t)b * bStride;
  const float* out = C + (size_t)b * cStride;
  float sum = 0.0f;
  const bool four = stateSize % 4 == 0 && bStride % 4 == 0 && cStride % 4 == 0 && isAligned(state, 16) &&
                    isAligned(A, 16) && isAligned(B, 16) && isAligned(C, 16);
  if (four) {
    for (uint32_t n = 4 * lane; mine && n < stateSize; n += 4 * kStateLanes) {
      float4 v = load4<F32>(h + n);
      const float4 a = load4<F32>(decay + n);
      const float4 p = load4<F32>(in + n);
      const float4 q = load4<F32>(out + n);
      sum += stateStep(v.x, dt, input, a.x, p.x, q.x) + stateStep(v.y, dt, input, a.y, p.y, q.y) +
             stateStep(v.z, dt, input, a.z, p.z, q.z) + stateStep(v.w, dt, input, a.w, p.w, q.w);
      *reinterpret_cast<float4*>(h + n) = v;
    }
  } else {
    for (uint32_t n = lane; mine && n < stateSize; n += kStateLanes) {
      float v = h[n];
      sum += stateStep(v, dt, input, decay[n], in[n], out[n]);
      h[n] = v;
    }
  }
  sum = warpSum<kStateLanes>(sum);
  if (!mine || lane != 0) return;
  if (D != nullptr) sum += D[d] * x;
  if (z != nullptr) sum *= siluOf(z[(size_t)b * zStride + d]);
  y[i] = sum;
}
