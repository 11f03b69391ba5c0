#include "common.cuh"

// For each row of logits [rows, V], with t = targets[row]:
//   loss[row] = log(sum_v exp(logit[v])) - logit[t]
//   dLogits[row] = (softmax(logits) - onehot(t)) / count
// where count is the number of targets that differ from `ignoreIndex`. An ignored row gives 0; any other target outside of
// [0, V) gives NaN.

// counted[0] = the number of targets that are not ignored. One block.
extern "C" __global__ void __launch_bounds__(1024)
    crossEntropyCount(const int32_t* targets, float* counted, uint32_t rows, int32_t ignoreIndex) {
  __shared__ uint32_t scratch[kWarp];
  uint32_t count = 0;
  for (uint32_t row = threadIdx.x; row < rows; row += blockDim.x) count += targets[row] != ignoreIndex;
  count = blockReduce<Sum>(count, 0u, scratch);
  if (threadIdx.x == 0) counted[0] = (float)count;
}

// loss[0] = the mean loss of the rows that are not ignored, 0 when all are ignored. One block.
extern "C" __global__ void __launch_bounds__(1024)
    crossEntropyMean(const float* losses, const float* counted, float* loss, uint32_t rows) {
  __shared__ float scratch[kWarp];
  float sum = 0.0f;
  for (uint32_t row = threadIdx.x; row < rows; row += blockDim.x) sum += losses[row];
  sum = blockSum(sum, scratch);
  if (threadIdx.x == 0) loss[0] = counted[0] > 0.0f ? sum / counted[0] : 0.0f;
}

// `sum` is the sum of exp(logit - largest) over some logits, `rest` the same sum without the target. When the target is almost
// certain, the loss and its gradient are about as small as `rest`, and 1 + rest would round them away.
struct Softmax {
  float largest;
  float sum;
  float rest;
};

// fmaxf ignores NaN, so `largest` is a number; the sums propagate NaN.
__device__ inline Softmax joined(Softmax a, Softmax b) {
  const float largest = fmaxf(a.largest, b.largest);
  const float scaleA = expf(a.largest - largest);
  const float scaleB = expf(b.largest - largest);
  return {largest, a.sum * scaleA + b.sum * scaleB, a.rest * scaleA + b.rest * scaleB};
}

__device__ inline Softmax overWarp(Softmax own) {
  for (uint32_t apart = kWarp / 2; apart > 0; apart /= 2) {
    const Softmax other = {__shfl_xor_sync(kAllLanes, own.largest, apart), __shfl_xor_sync(kAllLanes, own.sum, apart),
                           __shfl_xor_sync(kAllLanes, own.rest, apart)};
    own = joined(own, other);
  }
  return own;
}

// Logits per thread and iteration, whose loads are issued together.
constexpr uint32_t kLogits = 4;

__device__ inline void take(Softmax& all, const float (&logits)[kLogits], const bool (&isTarget)[kLogits]) {
  float largest = all.largest;
#pragma unroll
  for (uint32_t k = 0; k < kLogits; k++) largest = fmaxf(largest, logits[k]);
  if (largest > all.largest) {
    const float scale = expf(all.largest - largest);
    all = {largest, all.sum * scale, all.rest * scale};
  }
#pragma unroll
  for (uint32_t k = 0; k < kLogits; k++) {
    const float power = expf(logits[k] - largest);
    all.sum += power;
    if (!isTarget[k]) all.rest += power;
  }
}

// losses [rows] and dLogits [rows, V], which may be null. One block per row.
extern "C" __global__ void __launch_bounds__(256)
    crossEntropy(const float* __restrict__ logits, const int32_t* __restrict__ targets, const float* __restrict__ counted,
                 float* __restrict__ losses, float* __restrict__ dLogits, uint32_t vocabSize, uint32_t stride,
                 int32_t ignoreIndex) {
  __shared__ float largest[kWarp];
  __shared__ float sums[kWarp];
  __shared__ float rests[kWarp];
  const uint32_t row = blockIdx.x;
  const float* from = logits + (size_t)row * stride;
  float* to = dLogits == nullptr ? nullptr : dLogits + (size_t)row * vocabSize;
  const int32_t target = targets[row];
  const bool ignored = target == ignoreIndex;
  const bool outside = target < 0 || (uint32_t)target >= vocabSize;
  if (ignored || outside) {
    const float value = ignored ? 0.0f : floatOf(0x7fc00000u);
    if (threadIdx.x == 0) losses[row] = value;
    if (to == nullptr) return;
    for (uint32_t v = threadIdx.x; v < vocabSize; v += blockDim.x) to[v] = value;
    return;
  }

  // Starts at the lowest finite number: -infinity minus -infinity would be NaN.
  Softmax all = {-3.402823466e38f, 0.0f, 0.0f};
  for (uint32_t v = threadIdx.x; v < vocabSize; v += kLogits * blockDim.x) {
    float some[kLogits];
    bool isTarget[kLogits];
#pragma unroll
    for (uint32_t k = 0; k < kLogits; k++) {
      const uint32_t at = v + k * blockDim.x;
      some[k] = at < vocabSize ? from[at] : -INFINITY;
      isTarget[k] = at == (uint32_t)target;
    }
    take(all, some, isTarget);
  }
  all = overWarp(all);
  if (threadIdx.x % kWarp == 0) {
    largest[threadIdx.x / kWarp] = all.largest;
    sums[threadIdx.x / kWarp] = all.sum;
    rests[threadIdx.x / kWarp] = all.rest;
  }
  __syncthreads();
  all = {largest[0], sums[0], rests[0]};
  for (uint32_t w = 1; w < blockDim.x / kWarp; w++) all = joined(all, {largest[w], sums[w], rests[w]});

  const float own = from[target];
  if (threadIdx.x == 0) {
    losses[row] = own == all.largest ? log1pf(all.rest) : logf(all.sum) + (all.largest - own);
  }
  if (to == nullptr) return;
  const float scale = 1.0f / (all.sum * counted[0]);
#pragma unroll 4
  for (uint32_t v = threadIdx.x; v < vocabSize; v += blockDim.x) {
    to[v] = v == (uint32_t)target ? -all.rest * scale : expf(from[v] - all.largest) * scale;
  }
}
