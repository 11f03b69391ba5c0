// GPU kernels for the stand-in's own tests. They use every feature that it executes.
#include "hostCuda.h"

// y = a + b
extern "C" __global__ void vectorAdd(const float* a, const float* b, float* y, uint32_t count) {
  const size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) y[i] = a[i] + b[i];
}

// y[row] = sum of x[row, 0..width). One block per row.
extern "C" __global__ void __launch_bounds__(256) sumRowsOf(const float* x, float* y, uint32_t width) {
  __shared__ float partial[32];
  const uint32_t lane = threadIdx.x % 32;
  const uint32_t warp = threadIdx.x / 32;
  float sum = 0;
  for (uint32_t i = threadIdx.x; i < width; i += blockDim.x) sum += x[(size_t)blockIdx.x * width + i];
  for (uint32_t apart = 16; apart > 0; apart /= 2) sum += __shfl_down_sync(0xffffffffu, sum, apart);
  if (lane == 0) partial[warp] = sum;
  __syncthreads();
  if (warp == 0) {
    sum = lane < blockDim.x / 32 ? partial[lane] : 0;
    for (uint32_t apart = 16; apart > 0; apart /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, apart);
    if (lane == 0) y[blockIdx.x] = sum;
  }
}

// y[row, i] = x[row, 0] + ... + x[row, i], by doubling steps over two buffers in shared memory. One block per row.
extern "C" __global__ void prefixSums(const int32_t* x, int32_t* y, uint32_t width) {
  __shared__ int32_t sums[2][256];
  __shared__ int32_t carry;
  const uint32_t i = threadIdx.x;
  if (i == 0) carry = 0;
  for (uint32_t start = 0; start < width; start += 256) {
    uint32_t from = 0;
    sums[from][i] = start + i < width ? x[(size_t)blockIdx.x * width + start + i] : 0;
    __syncthreads();
    for (uint32_t apart = 1; apart < 256; apart *= 2) {
      sums[1 - from][i] = sums[from][i] + (i >= apart ? sums[from][i - apart] : 0);
      from = 1 - from;
      __syncthreads();
    }
    if (start + i < width) y[(size_t)blockIdx.x * width + start + i] = carry + sums[from][i];
    __syncthreads();
    if (i == 255) carry += sums[from][255];
    __syncthreads();
  }
}

struct Words {
  uint32_t words[3];
};

// Writes y[0..8) of each lane with every kind of argument and every exchange within a warp.
extern "C" __global__ void exchanges(uint32_t seed, uint32_t* y, float scale, Words words, const float* missing) {
  const uint32_t lane = threadIdx.x;
  const uint32_t value = seed + lane;
  uint32_t* out = y + lane * 8;
  out[0] = __shfl_sync(0xffffffffu, value, 5);
  out[1] = __shfl_up_sync(0xffffffffu, value, 3);
  out[2] = __shfl_down_sync(0xffffffffu, value, 3, 8);
  out[3] = __shfl_xor_sync(0xffffffffu, value, 9);
  out[4] = __ballot_sync(0xffffffffu, value % 3 == 0);
  __syncwarp();
  out[5] = (uint32_t)(scale * (float)lane);
  out[6] = words.words[lane % 3];
  out[7] = missing == nullptr;
}
