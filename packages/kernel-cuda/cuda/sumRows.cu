#include "common.cuh"

// sum[s, i] = sum of x[r, i] over the rows r of chunk blockIdx.y = s, which has `chunkRows` rows. x [rows, width] has rows that
// start `stride` apart. Each block computes 32 columns; warp w adds every 8th row from w on, then the warps' sums are added in
// order.
extern "C" __global__ void __launch_bounds__(256)
    sumRows(const float* x, float* sum, uint32_t rows, uint32_t width, uint32_t stride, uint32_t chunkRows) {
  constexpr uint32_t kWarps = 8;
  __shared__ float partial[kWarps * kWarp];
  const uint32_t lane = threadIdx.x % kWarp;
  const uint32_t warp = threadIdx.x / kWarp;
  const size_t column = (size_t)blockIdx.x * kWarp + lane;
  const uint32_t first = blockIdx.y * chunkRows;
  const uint32_t end = rows - first < chunkRows ? rows : first + chunkRows;
  float own = 0.0f;
  if (column < width) {
    for (uint32_t r = first + warp; r < end; r += kWarps) own += x[(size_t)r * stride + column];
  }
  partial[threadIdx.x] = own;
  __syncthreads();
  if (warp > 0 || column >= width) return;
  float total = 0.0f;
#pragma unroll
  for (uint32_t w = 0; w < kWarps; w++) total += partial[w * kWarp + lane];
  sum[(size_t)blockIdx.y * width + column] = total;
}
