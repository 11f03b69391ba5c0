#include "routeExperts.cuh"

// The gradient of the logits for that of the weights, g = scale dWeights. With s the scores of the chosen:
//   normalised      g = (g - sum g s / sum s) / sum s
//   softmax         dlogit[e] = s[e] (g[e] - sum g s), where g is 0 for experts that were not chosen
//   topSoftmax      the same with the softmax over the chosen; 0 for the others
//   sigmoid         dlogit[e] = g[e] s[e] (1 - s[e]); 0 for the others
extern "C" __global__ void __launch_bounds__(kRouteBlock)
    routeExpertsBackward(const float* __restrict__ dWeights, const float* __restrict__ logits,
                         const int32_t* __restrict__ experts, float* __restrict__ dLogits, RouteSizes size,
                         uint32_t dStride, float scale) {
  __shared__ float scratch[kWarp];
  __shared__ uint32_t ids[kMostChosen];
  __shared__ float chosen[kMostChosen];
  __shared__ float flow[kMostChosen];
  const float* row = logits + (size_t)blockIdx.x * size.stride;
  const uint32_t K = size.perToken;
  const RouteScores scores(row, size, scratch);
  if (threadIdx.x < K) {
    const int32_t id = experts[(size_t)blockIdx.x * K + threadIdx.x];
    ids[threadIdx.x] = (uint32_t)min(max(id, 0), (int32_t)size.experts - 1);
    chosen[threadIdx.x] = scores.of(row[ids[threadIdx.x]]);
    flow[threadIdx.x] = dWeights[(size_t)blockIdx.x * dStride + threadIdx.x] * scale;
  }
  __syncthreads();
  // Every thread computes the sums over the chosen.
  const bool top = size.scoring == kRouteTopSoftmax;
  const float largest = top ? chosenLargest(chosen, K) : 0.0f;
  const float whole = top ? chosenExponentials(chosen, K, largest) : chosenSum(chosen, K);
  const auto scoreOf = [&](uint32_t j) { return top ? expf(chosen[j] - largest) / whole : chosen[j]; };
  float dot = 0.0f;
  for (uint32_t j = 0; j < K; j++) dot += flow[j] * scoreOf(j);
  const bool divided = !top && size.normalize != 0;
  const auto flowOf = [&](uint32_t j) { return divided ? (flow[j] - dot / whole) / whole : flow[j]; };
  float mean = 0.0f;
  for (uint32_t j = 0; j < K; j++) mean += flowOf(j) * scoreOf(j);
  for (uint32_t e = threadIdx.x; e < size.experts; e += kRouteBlock) {
    float gradient = size.scoring == kRouteSoftmax ? -scores.of(row[e]) * mean : 0.0f;
    for (uint32_t j = 0; j < K; j++) {
      if (ids[j] != e) continue;
      const float score = scoreOf(j);
      if (size.scoring == kRouteSigmoid) gradient += flowOf(j) * score * (1.0f - score);
      else gradient += score * (top ? flowOf(j) - mean : flowOf(j));
    }
    dLogits[(size_t)blockIdx.x * size.experts + e] = gradient;
  }
}
