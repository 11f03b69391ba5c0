#include "tensorTable.cuh"

// sums[first + b] = the sum of x² over the chunk of 16,384 elements of block b. A table entry holds: the number of its first
// block, the address of x, the number of elements, and the width and stride of the rows.
extern "C" __global__ void __launch_bounds__(256)
    sumOfSquares(float* sums, uint32_t first, uint32_t entries, const TensorTable table) {
  constexpr uint32_t kChunk = 16384;
  __shared__ float scratch[kWarp];
  const uint32_t entry = entryOf(table, 6, entries, blockIdx.x);
  const float* x = addressAt(table, entry + 1);
  const uint32_t count = table.words[entry + 3];
  const uint32_t width = table.words[entry + 4];
  const uint32_t stride = table.words[entry + 5];
  const uint32_t begin = (blockIdx.x - table.words[entry]) * kChunk;
  const uint32_t end = count - begin < kChunk ? count : begin + kChunk;
  float sum = 0.0f;
  if (stride == width && reinterpret_cast<uintptr_t>(x) % sizeof(float4) == 0) {
    for (uint32_t i = begin + 4 * threadIdx.x; i < end; i += 4 * blockDim.x) {
      if (end - i < 4) {
        for (uint32_t k = i; k < end; k++) sum += x[k] * x[k];
      } else {
        const float4 v = load4<F32>(x + i);
        sum += v.x * v.x + v.y * v.y + v.z * v.z + v.w * v.w;
      }
    }
  } else {
    for (uint32_t i = begin + threadIdx.x; i < end; i += blockDim.x) {
      const float value = x[(size_t)(i / width) * stride + i % width];
      sum += value * value;
    }
  }
  sum = blockSum(sum, scratch);
  if (threadIdx.x == 0) sums[first + blockIdx.x] = sum;
}

// y[0] = the sum of x [count]. One block.
extern "C" __global__ void __launch_bounds__(1024) sumOfSquaresTotal(const float* x, float* y, uint32_t count) {
  __shared__ float scratch[kWarp];
  float sum = 0.0f;
  for (uint32_t i = threadIdx.x; i < count; i += blockDim.x) sum += x[i];
  sum = blockSum(sum, scratch);
  if (threadIdx.x == 0) y[0] = sum;
}
