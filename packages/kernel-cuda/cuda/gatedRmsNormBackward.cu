#include "gatedRmsNorm.cuh"

constexpr uint32_t kGatedWeightBlock = 128;

// With v the number that is normalised, n = norm(v) and scale = 1 / sqrt(mean(v²) + eps), for each group of columns:
//   norm after the gate    f = dy weight,           dv = scale (f - n mean(f n)), dx = dv silu(z), dz = dv x silu'(z)
//   norm before the gate   f = dy weight silu(z),   dx = scale (f - n mean(f n)), dz = dy weight n silu'(z)
// `scales` [rows, groups] gets scale, for gatedRmsNormBackwardWeight. One block per group of a row.
extern "C" __global__ void __launch_bounds__(512)
    gatedRmsNormBackward(const float* __restrict__ dy, const float* __restrict__ x, const float* __restrict__ z,
                         const float* __restrict__ weight, float* __restrict__ dx, float* __restrict__ dz,
                         float* __restrict__ scales, GatedRows rows, uint32_t dyStride, float eps) {
  __shared__ float scratch[kWarp];
  const size_t row = blockIdx.x / rows.groups;
  const uint32_t first = blockIdx.x % rows.groups * rows.width;
  const float* flow = dy + row * dyStride + first;
  const float* from = x + row * rows.xStride + first;
  const float* gate = z + row * rows.zStride + first;
  const size_t to = row * rows.groups * rows.width + first;
  const bool before = rows.normBeforeGate != 0;
  float squares = 0.0f;
  float dot = 0.0f;
  for (uint32_t i = threadIdx.x; i < rows.width; i += blockDim.x) {
    const float s = siluOf(gate[i]);
    const float v = before ? from[i] : from[i] * s;
    const float f = flow[i] * weight[first + i] * (before ? s : 1.0f);
    squares += v * v;
    dot += f * v;
  }
  const float scale = 1.0f / sqrtf(blockSum(squares, scratch) / (float)rows.width + eps);
  const float mean = blockSum(dot, scratch) / (float)rows.width * scale;
  for (uint32_t i = threadIdx.x; i < rows.width; i += blockDim.x) {
    const float s = siluOf(gate[i]);
    const float slope = siluSlope(gate[i]);
    const float f = flow[i] * weight[first + i];
    const float n = (before ? from[i] : from[i] * s) * scale;
    const float dv = scale * ((before ? f * s : f) - n * mean);
    dx[to + i] = before ? dv : dv * s;
    dz[to + i] = before ? f * n * slope : dv * from[i] * slope;
  }
  if (threadIdx.x == 0) scales[blockIdx.x] = scale;
}

// dWeight [chunks, D] = sums of dy n, times silu(z) when the norm comes before the gate, over chunks of `chunkRows` rows. One
// thread per column and chunk.
extern "C" __global__ void __launch_bounds__(kGatedWeightBlock)
    gatedRmsNormBackwardWeight(const float* __restrict__ dy, const float* __restrict__ x, const float* __restrict__ z,
                               const float* __restrict__ scales, float* __restrict__ dWeight, uint32_t count,
                               GatedRows rows, uint32_t dyStride, uint32_t chunkRows) {
  const uint32_t features = rows.groups * rows.width;
  const uint32_t columnBlocks = (features + kGatedWeightBlock - 1) / kGatedWeightBlock;
  const uint32_t i = (blockIdx.x % columnBlocks) * kGatedWeightBlock + threadIdx.x;
  const uint32_t chunk = blockIdx.x / columnBlocks;
  if (i >= features) return;
  const uint32_t end = min((chunk + 1) * chunkRows, count);
  float sum = 0.0f;
#pragma unroll 4
  for (uint32_t r = chunk * chunkRows; r < end; r++) {
    // Both orders have the product x silu(z).
    const float v = x[(size_t)r * rows.xStride + i] * siluOf(z[(size_t)r * rows.zStride + i]);
    sum += dy[(size_t)r * dyStride + i] * (v * scales[(size_t)r * rows.groups + i / rows.width]);
  }
  dWeight[(size_t)chunk * features + i] = sum;
}
