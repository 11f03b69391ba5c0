#include "routeExperts.cuh"

// The K experts with the largest scores of each row, and their weights; see the interface for the formulas. The place of an
// expert is the number of experts with a larger key, or with the same key and a lower index, so that all places differ also
// with NaN, which has the largest key. `bias` may be null.
extern "C" __global__ void __launch_bounds__(kRouteBlock)
    routeExperts(const float* __restrict__ logits, const float* __restrict__ bias, int32_t* __restrict__ experts,
                 float* __restrict__ weights, RouteSizes size, float scale) {
  __shared__ float scratch[kWarp];
  __shared__ uint32_t keys[kMostExperts];
  __shared__ float chosen[kMostChosen];
  const float* row = logits + (size_t)blockIdx.x * size.stride;
  const uint32_t K = size.perToken;
  const RouteScores scores(row, size, scratch);
  for (uint32_t e = threadIdx.x; e < size.experts; e += kRouteBlock) {
    // The scores have the order of the logits.
    keys[e] = keyOf(bias == nullptr ? row[e] : scores.of(row[e]) + bias[e]);
  }
  __syncthreads();
  for (uint32_t e = threadIdx.x; e < size.experts; e += kRouteBlock) {
    uint32_t place = 0;
    const uint32_t key = keys[e];
    for (uint32_t other = 0; other < size.experts; other++) {
      place += keys[other] > key || (keys[other] == key && other < e) ? 1 : 0;
    }
    if (place >= K) continue;
    experts[(size_t)blockIdx.x * K + place] = (int32_t)e;
    chosen[place] = scores.of(row[e]);
  }
  __syncthreads();
  if (threadIdx.x >= K) return;
  float weight = chosen[threadIdx.x];
  if (size.scoring == kRouteTopSoftmax) {
    const float largest = chosenLargest(chosen, K);
    weight = expf(weight - largest) / chosenExponentials(chosen, K, largest);
  } else if (size.normalize) {
    weight /= chosenSum(chosen, K);
  }
  weights[(size_t)blockIdx.x * K + threadIdx.x] = weight * scale;
}
