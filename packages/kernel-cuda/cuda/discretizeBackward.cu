#include "discretize.cuh"

// With g = dweight + A dlogDecay: dt gets g sigmoid(dt + bias) where the weight is not clamped. `products` [rows, H] gets
// weight * dlogDecay, whose sum over rows is the gradient of A.
extern "C" __global__ void __launch_bounds__(kRowsBlock)
    discretizeBackward(const float* __restrict__ dy, const float* __restrict__ dt, const float* __restrict__ bias,
                       const float* __restrict__ A, float* __restrict__ dDt, float* __restrict__ products,
                       DiscretizeSizes size, uint32_t dyStride, float least, float most) {
  const size_t i = (size_t)blockIdx.x * kRowsBlock + threadIdx.x;
  if (i >= (size_t)size.rows * size.heads) return;
  const uint32_t row = (uint32_t)(i / size.heads);
  const uint32_t h = (uint32_t)(i % size.heads);
  const float value = stepOf(dt, bias, size, row, h);
  const float free = softplus(value);
  const bool clamped = free < least || free > most;
  const float weight = free < least ? least : free > most ? most : free;
  const float* from = dy + (size_t)row * dyStride + h;
  dDt[i] = clamped ? 0.0f : (from[0] + A[h] * from[size.heads]) * softplusSlope(value);
  products[i] = weight * from[size.heads];
}
