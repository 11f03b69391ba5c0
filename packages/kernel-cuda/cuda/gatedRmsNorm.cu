#include "gatedRmsNorm.cuh"

// norm(v) = v / sqrt(mean(v²) + eps) within each group of columns:
//   y = weight norm(x silu(z)), or weight norm(x) silu(z) when the norm comes before the gate
extern "C" __global__ void __launch_bounds__(1024, 1)
    gatedRmsNorm(const float* __restrict__ x, const float* __restrict__ z, const float* __restrict__ weight,
                 float* __restrict__ y, GatedRows rows, float eps) {
  __shared__ float scratch[kWarp];
  const size_t row = blockIdx.x / rows.groups;
  const uint32_t first = blockIdx.x % rows.groups * rows.width;
  const float* from = x + row * rows.xStride + first;
  const float* gate = z + row * rows.zStride + first;
  float* to = y + row * rows.groups * rows.width + first;
  float squares = 0.0f;
  for (uint32_t i = threadIdx.x; i < rows.width; i += blockDim.x) {
    const float v = normedOf(from[i], gate[i], rows.normBeforeGate);
    squares += v * v;
  }
  const float scale = 1.0f / sqrtf(blockSum(squares, scratch) / (float)rows.width + eps);
  for (uint32_t i = threadIdx.x; i < rows.width; i += blockDim.x) {
    const float v = normedOf(from[i], gate[i], rows.normBeforeGate) * scale * weight[first + i];
    to[i] = rows.normBeforeGate ? v * siluOf(gate[i]) : v;
  }
}
