#include "keys.cuh"

// The lowest index among the largest, a NaN counting as larger than every number: a block for each row.
extern "C" __global__ void __launch_bounds__(1024, 1)
    argmax(const float* __restrict__ logits, int32_t* __restrict__ ids, uint32_t vocabSize, uint32_t stride) {
  __shared__ uint32_t scratch[kWarp];
  const uint32_t id = argmaxOf(logits + (size_t)blockIdx.x * stride, vocabSize, scratch);
  if (threadIdx.x == 0) ids[blockIdx.x] = (int32_t)id;
}
