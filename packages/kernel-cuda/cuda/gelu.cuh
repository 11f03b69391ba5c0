#pragma once
// The two forms of GELU and their derivatives. Both are written so that nothing cancels for a negative x.

#include "common.cuh"

constexpr float kSqrtHalf = 0.70710678118654752f;       // 1 / sqrt(2)
constexpr float kGaussian = 0.39894228040143268f;       // 1 / sqrt(2 pi)
constexpr float kGeluScale = 0.79788456080286536f;      // sqrt(2 / pi)
constexpr float kGeluCubic = 0.044715f;

// Phi(x) = (1 + erf(x / sqrt(2))) / 2, the distribution function of the normal distribution.
__device__ inline float normalBelow(float x) { return 0.5f * erfcf(-x * kSqrtHalf); }

// x Phi(x)
struct GeluErf {
  static __device__ inline float value(float x) { return x * normalBelow(x); }
  // Phi(x) + x exp(-x² / 2) / sqrt(2 pi)
  static __device__ inline float slope(float x) {
    return normalBelow(x) + x * (kGaussian * expf(-0.5f * (x * x)));
  }
};

// x (1 + tanh(u)) / 2 = x sigmoid(2 u), with u = sqrt(2 / pi) (x + 0.044715 x³).
struct GeluTanh {
  static __device__ inline float twiceU(float x) {
    return 2.0f * kGeluScale * (x + kGeluCubic * (x * x * x));
  }
  static __device__ inline float value(float x) { return x / (1.0f + expf(-twiceU(x))); }
  // s + x (2 u') s (1 - s), with s = sigmoid(2 u) and 2 u' = 2 sqrt(2 / pi) (1 + 3 * 0.044715 x²). With e = exp(-|2 u|),
  // s (1 - s) = e / (1 + e)² on both sides.
  static __device__ inline float slope(float x) {
    const float twice = twiceU(x);
    const float e = expf(-fabsf(twice));
    const float over = 1.0f / (1.0f + e);
    const float s = twice < 0.0f ? e * over : over;
    // Far from 0, the factors below could overflow to infinity while e is 0.
    if (e == 0.0f) return s;
    return s + x * (2.0f * kGeluScale * (1.0f + 3.0f * kGeluCubic * (x * x))) * (e * over * over);
  }
};
