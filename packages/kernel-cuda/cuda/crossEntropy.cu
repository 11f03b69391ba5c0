#include "common.cuh"

// For each row of logits [rows, V], with p = softmax(logits), t = targets[row], e = `smoothing` and w = `weights` (1 where it is
// null):
//   losses[row] = (1 - e) w[t] * -log(p[t]) + e / V * sum_c w[c] * -log(p[c])
//   dLogits[row, c] = ((1 - e) w[t] (p[c] - (c == t)) + e / V * (p[c] * sum(w) - w[c])) / counted[0]
// An ignored row gives 0; any other target outside of [0, V) gives NaN.

// counted[0] = the sum of the weights of the targets that are not ignored, where a target outside of [0, V) has the weight 1;
// counted[1] = the sum of the weights of all classes. One block.
extern "C" __global__ void __launch_bounds__(1024)
    crossEntropyCount(const int32_t* __restrict__ targets, const float* __restrict__ weights, float* __restrict__ counted,
                      uint32_t rows, uint32_t vocabSize, int32_t ignoreIndex) {
  __shared__ float scratch[kWarp];
  float count = 0.0f;
  for (uint32_t row = threadIdx.x; row < rows; row += blockDim.x) {
    const int32_t target = targets[row];
    if (target == ignoreIndex) continue;
    count += weights == nullptr || (uint32_t)target >= vocabSize ? 1.0f : weights[target];
  }
  count = blockSum(count, scratch);
  float all = 0.0f;
  for (uint32_t v = threadIdx.x; v < vocabSize; v += blockDim.x) all += weights == nullptr ? 1.0f : weights[v];
  all = blockSum(all, scratch);
  if (threadIdx.x > 0) return;
  counted[0] = count;
  counted[1] = all;
}

// loss[0] = the sum of the losses over counted[0], 0 when that is 0. One block.
extern "C" __global__ void __launch_bounds__(1024)
    crossEntropyMean(const float* losses, const float* counted, float* loss, uint32_t rows) {
  __shared__ float scratch[kWarp];
  float sum = 0.0f;
  for (uint32_t row = threadIdx.x; row < rows; row += blockDim.x) sum += losses[row];
  sum = blockSum(sum, scratch);
  if (threadIdx.x == 0) loss[0] = counted[0] == 0.0f ? 0.0f : sum / counted[0];
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
    crossEntropy(const float* __restrict__ logits, const int32_t* __restrict__ targets,
                 const float* __restrict__ weights, const float* __restrict__ counted, float* __restrict__ losses,
                 float* __restrict__ dLogits, uint32_t vocabSize, uint32_t stride, int32_t ignoreIndex,
                 float smoothing) {
  __shared__ float largest[kWarp];
  __shared__ float sums[kWarp];
  __shared__ float rests[kWarp];
  const uint32_t row = blockIdx.x;
  const float* from = logits + (size_t)row * stride;
  float* to = dLogits == nullptr ? nullptr : dLogits + (size_t)row * vocabSize;
  const int32_t target = targets[row];
  const bool ignored = target == ignoreIndex;
  const bool outside = !ignored && (uint32_t)target >= vocabSize;
  if (ignored || outside || counted[0] == 0.0f) {
    const float value = outside ? floatOf(0x7fc00000u) : 0.0f;
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
  const float logSum = own == all.largest ? log1pf(all.rest) : logf(all.sum);
  const float hard = (1.0f - smoothing) * (weights == nullptr ? 1.0f : weights[target]);
  const float even = smoothing / (float)vocabSize;
  float spread = 0.0f;
  if (smoothing > 0.0f) {
    // -log(p[c]) is the sum of two numbers that are not negative.
    for (uint32_t v = threadIdx.x; v < vocabSize; v += blockDim.x) {
      spread += (weights == nullptr ? 1.0f : weights[v]) * (logSum + (all.largest - from[v]));
    }
    spread = blockSum(spread, sums);
  }
  if (threadIdx.x == 0) losses[row] = hard * (logSum + (all.largest - own)) + even * spread;
  if (to == nullptr) return;
  // p[c] has the factor (1 - e) w[t] + e / V * sum(w). The target's p - 1 is -rest / sum.
  const float scale = 1.0f / (all.sum * counted[0]);
  const float more = even * counted[1];
  const float factor = (hard + more) * scale;
  const float ownSlope = (expf(own - all.largest) * more - all.rest * hard) * scale;
  const float each = even / counted[0];
#pragma unroll 4
  for (uint32_t v = threadIdx.x; v < vocabSize; v += blockDim.x) {
    const float slope = v == (uint32_t)target ? ownSlope : expf(from[v] - all.largest) * factor;
    to[v] = slope - each * (weights == nullptr ? 1.0f : weights[v]);
  }
}
