#pragma once
// Functions that the GPU kernels of the scan use.
//
// A GPU kernel processes 16 states at a time; for more states it goes over its positions once per 16. Positions are ranks, as in
// sequences.cuh. Ranks past the last real one are steps of size 0 with B = C = 0: exp(0 A) = 1 leaves every state unchanged, bit
// for bit. Each GPU kernel whose name ends in Packed is the one before it for packed sequences: where a sequence other than the
// first of the row starts at l, h[l-1] is 0, and no gradient goes to it.

#include "sequences.cuh"

constexpr float kLog2e = 1.44269504088896341f;
constexpr uint32_t kScanStates = 16;

// The forward keeps the state before every 16th position. The backward keeps one chunk of this length in registers.
constexpr uint32_t kScanKept = 16;

// Inputs of the forward and the backward. Rows of u, delta, B, C and z start a stride apart; D, z and deltaBias may be null.
// `index` is null without packed sequences.
struct ScanInputs {
  const float* u;
  const float* delta;
  const float* A;
  const float* B;
  const float* C;
  const float* D;
  const float* z;
  const float* deltaBias;
  const uint32_t* index;
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

// 2^x by one hardware instruction, with an error of at most 2 units in the last place. Results below 2^-126 are 0. exp2f
// would also compute those, with three more instructions, and exponentials dominate the run time of the scan.
// PTX does not say whether the errors near 0 have one sign, which would accumulate in a state that decays slowly; the conformance
// laws of slow decay detect that on a GPU. A series for small x, as other backends have, makes these kernels spill registers.
__device__ inline float exp2Fast(float x) {
#ifdef MAMBA_HOST_CUDA
  return exp2f(x);
#else
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#endif
}

// A * log2(e), so that exp(dt A) is one exponential of base 2. It is finite when A is -infinity, because 0 * -infinity would
// be NaN for a step of 0.
__device__ inline float decayRate(float A) {
  const float rate = A * kLog2e;
  return rate < -3.4e38f ? -3.4e38f : rate;
}

// The factor of a state over several steps: exp(A sum dt). It is at least the smallest float, so that an infinite state stays
// infinite, as it does step by step.
__device__ inline float decayOver(float rate, float steps) {
  const float left = exp2Fast(rate * steps);
  return left == 0.0f ? 1e-45f : left;
}

// The decay rate of A[d, n], or 0 for a state or channel past the end.
__device__ inline float rateAt(const ScanInputs& in, uint32_t d, uint32_t n) {
  return d < in.channels && n < in.stateSize ? decayRate(in.A[(size_t)d * in.stateSize + n]) : 0.0f;
}

// log(1 + exp(x)) = max(x, 0) + log(1 + e), e = exp(-|x|), with a polynomial for log(1 + e) / e on [0, 1] (Chebyshev nodes,
// degree 9, error 1.2e-7). For x > 20 the result is x to the last bit. It takes a third of the instructions of
// log1pf(expf(x)).
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

// x * sigmoid(x), with __fdividef: when exp(-x) is infinite or above 2^126, the quotient is 0, which is the correct limit.
__device__ inline float scanSilu(float x) { return __fdividef(x, 1.0f + exp2Fast(x * -kLog2e)); }

__device__ inline float stepSize(const ScanInputs& in, float raw) {
  return in.deltaSoftplus ? scanSoftplus(raw) : raw;
}

// The offset of a state between chunks, [chunks, B, N, D]: adjacent threads access adjacent channels.
__device__ inline size_t slotOf(const ScanInputs& in, uint32_t chunk, uint32_t b, uint32_t n, uint32_t d) {
  return (((size_t)chunk * in.batch + b) * in.stateSize + n) * in.channels + d;
}
