#include "keys.cuh"

// ids[row] = the lowest index of the largest logit of the row, -1 when it holds NaN or +infinity or no finite logit. One block
// per row.
extern "C" __global__ void __launch_bounds__(1024, 1)
    argmax(const float* __restrict__ logits, int32_t* __restrict__ ids, uint32_t vocabSize, uint32_t stride) {
  __shared__ uint32_t scratch[kWarp];
  const int32_t id = argmaxOf(logits + (size_t)blockIdx.x * stride, vocabSize, scratch);
  if (threadIdx.x == 0) ids[blockIdx.x] = id;
}
