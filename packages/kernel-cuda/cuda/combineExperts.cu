#include "common.cuh"

struct CombineSizes {
  uint32_t rows;
  uint32_t perToken;
  uint32_t width;
  uint32_t yStride;
  uint32_t weightStride;
};

// out[r, o] = sum_j weights[r, j] y[r, j, o], in the order of j. One thread per number.
extern "C" __global__ void __launch_bounds__(256)
    combineExperts(const float* __restrict__ y, const float* __restrict__ weights, float* __restrict__ out,
                   CombineSizes size) {
  const size_t i = (size_t)blockIdx.x * 256 + threadIdx.x;
  if (i >= (size_t)size.rows * size.width) return;
  const size_t row = i / size.width;
  const uint32_t o = (uint32_t)(i % size.width);
  float sum = 0.0f;
  for (uint32_t j = 0; j < size.perToken; j++) {
    sum += weights[row * size.weightStride + j] * y[(row * size.perToken + j) * size.yStride + o];
  }
  out[i] = sum;
}

// dy[r, j] = weights[r, j] dOut[r], dWeights[r, j] = y[r, j] · dOut[r]. One block per choice.
extern "C" __global__ void __launch_bounds__(128)
    combineExpertsBackward(const float* __restrict__ dOut, const float* __restrict__ y,
                           const float* __restrict__ weights, float* __restrict__ dy, float* __restrict__ dWeights,
                           CombineSizes size, uint32_t dStride) {
  __shared__ float scratch[kWarp];
  const size_t choice = blockIdx.x;
  const size_t row = choice / size.perToken;
  const float weight = weights[row * size.weightStride + choice % size.perToken];
  float sum = 0.0f;
  for (uint32_t o = threadIdx.x; o < size.width; o += blockDim.x) {
    const float flow = dOut[row * dStride + o];
    sum += y[choice * size.yStride + o] * flow;
    dy[choice * size.width + o] = weight * flow;
  }
  sum = blockSum(sum, scratch);
  if (threadIdx.x == 0) dWeights[choice] = sum;
}
