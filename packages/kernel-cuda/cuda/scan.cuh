#pragma once
// What the kernels of the scan share.
//
// States are taken 16 at a time; with more, a kernel goes over its positions again for each further 16. Positions outside of
// the range are steps of size 0 with zeros for B and C: exp(0 A) = 1 leaves every state as it was, bit for bit.

#include "common.cuh"

constexpr float kLog2e = 1.44269504088896341f;
constexpr uint32_t kScanStates = 16;

// Positions from one state that the forward keeps to the next: the backward holds one such chunk in registers.
constexpr uint32_t kScanKept = 16;

// What the forward and the backward read. Rows of u, delta, B, C and z start a stride apart; D, z, deltaBias and range may be
// null.
struct ScanInputs {
  const float* u;
  const float* delta;
  const float* A;
  const float* B;
  const float* C;
  const float* D;
  const float* z;
  const float* deltaBias;
  const int32_t* range;
  uint32_t batch;
  uint32_t length;
  uint32_t channels;
  uint32_t stateSize;
  uint32_t uStride;
  uint32_t deltaStride;
  uint32_t bStride;
  uint32_t cStride;
  uint32_t zStride;
  uint32_t deltaSoftplus;
};

// 2^x by the one instruction that the hardware has for it, to 2 units in the last place; below 2^-126 it gives 0. What exp2f
// adds, results below that, costs three more instructions where the exponentials are what takes the time.
__device__ inline float exp2Fast(float x) {
#ifdef MAMBA_HOST_CUDA
  return exp2f(x);
#else
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#endif
}

// A * log2(e), so that exp(dt A) is one exponential of base 2; finite where A is -infinity, as a step of 0 must not make a NaN
// of it.
__device__ inline float decayRate(float A) {
  const float rate = A * kLog2e;
  return rate < -3.4e38f ? -3.4e38f : rate;
}

// What several steps leave of a state: exp(A sum dt). Where that is too small for a float, an infinite state is still infinite
// after it, as it is when the steps are taken one by one.
__device__ inline float decayOver(float rate, float steps) {
  const float left = exp2Fast(rate * steps);
  return left == 0.0f ? 1e-45f : left;
}

// A[d, n], or 0 for a state or channel that is there to fill up.
__device__ inline float rateAt(const ScanInputs& in, uint32_t d, uint32_t n) {
  return d < in.channels && n < in.stateSize ? decayRate(in.A[(size_t)d * in.stateSize + n]) : 0.0f;
}

// log(1 + exp(x)) = max(x, 0) + log(1 + e), e = exp(-|x|), with a polynomial for log(1 + e) / e on [0, 1] (Chebyshev nodes,
// degree 9, 1.2e-7): above 20 that is x itself to the last bit. A third of the instructions of log1pf(expf(x)).
__device__ inline float scanSoftplus(float x) {
  const float e = exp2Fast(fabsf(x) * -kLog2e);
  float p = -0.0031760570f;
  p = fmaf(p, e, 0.019542528f);
  p = fmaf(p, e, -0.056373615f);
  p = fmaf(p, e, 0.10543624f);
  p = fmaf(p, e, -0.15269667f);
  p = fmaf(p, e, 0.19663274f);
  p = fmaf(p, e, -0.24951616f);
  p = fmaf(p, e, 0.33329710f);
  p = fmaf(p, e, -0.49999893f);
  p = fmaf(p, e, 1.0f);
  return fmaf(p, e, fmaxf(x, 0.0f));
}

// x * sigmoid(x), by the fast division: where exp(-x) is infinite, or too large for it, the quotient is 0 as it should be.
__device__ inline float scanSilu(float x) { return __fdividef(x, 1.0f + exp2Fast(x * -kLog2e)); }

__device__ inline float stepSize(const ScanInputs& in, float raw) {
  return in.deltaSoftplus ? scanSoftplus(raw) : raw;
}

// States between chunks are [chunks, B, N, D]: neighbouring threads have neighbouring channels.
__device__ inline size_t slotOf(const ScanInputs& in, uint32_t chunk, uint32_t b, uint32_t n, uint32_t d) {
  return (((size_t)chunk * in.batch + b) * in.stateSize + n) * in.channels + d;
}
