#pragma once
// The scores of a router. One block per row.

#include "keys.cuh"

constexpr uint32_t kRouteBlock = 256;
constexpr uint32_t kMostExperts = 1024;
constexpr uint32_t kMostChosen = 64;

// The kinds of scores, as src/ops/routeExperts.ts numbers them.
constexpr uint32_t kRouteSoftmax = 0;
constexpr uint32_t kRouteTopSoftmax = 1;
constexpr uint32_t kRouteSigmoid = 2;

struct RouteSizes {
  uint32_t experts;
  uint32_t perToken;
  uint32_t stride;
  uint32_t scoring;
  uint32_t normalize;
};

// Scores of a row: exp(x - largest) * scale of softmax, sigmoid(x), or x itself.
struct RouteScores {
  uint32_t scoring;
  float largest;
  float scale;

  // Every thread of the block must call it. `scratch` is shared memory of 32 floats.
  __device__ inline RouteScores(const float* row, const RouteSizes& size, float* scratch)
      : scoring(size.scoring), largest(0.0f), scale(1.0f) {
    if (scoring != kRouteSoftmax) return;
    // fmaxf ignores NaN; the sum propagates it.
    float own = -3.402823466e38f;
    for (uint32_t e = threadIdx.x; e < size.experts; e += blockDim.x) own = fmaxf(own, row[e]);
    largest = blockReduce<Max>(own, -3.402823466e38f, scratch);
    float sum = 0.0f;
    for (uint32_t e = threadIdx.x; e < size.experts; e += blockDim.x) sum += expf(row[e] - largest);
    scale = 1.0f / blockSum(sum, scratch);
  }
  __device__ inline float of(float x) const {
    if (scoring == kRouteSoftmax) return expf(x - largest) * scale;
    return scoring == kRouteSigmoid ? sigmoidOf(x) : x;
  }
};

// The largest of the chosen scores, the sum of their exponentials without it, and their sum, added in order.
__device__ inline float chosenLargest(const float* chosen, uint32_t count) {
  float largest = -3.402823466e38f;
  for (uint32_t j = 0; j < count; j++) largest = fmaxf(largest, chosen[j]);
  return largest;
}

__device__ inline float chosenExponentials(const float* chosen, uint32_t count, float largest) {
  float sum = 0.0f;
  for (uint32_t j = 0; j < count; j++) sum += expf(chosen[j] - largest);
  return sum;
}

__device__ inline float chosenSum(const float* chosen, uint32_t count) {
  float sum = 0.0f;
  for (uint32_t j = 0; j < count; j++) sum += chosen[j];
  return sum + 1e-20f;
}
