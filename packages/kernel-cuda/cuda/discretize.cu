#include "discretize.cuh"

// y [rows, 2H] = [weight | weight * A], weight = clamp(softplus(dt + bias), min, max). One thread per weight. `bias` may be
// null.
extern "C" __global__ void __launch_bounds__(kRowsBlock)
    discretize(const float* __restrict__ dt, const float* __restrict__ bias, const float* __restrict__ A,
               float* __restrict__ y, DiscretizeSizes size, float least, float most) {
  const size_t i = (size_t)blockIdx.x * kRowsBlock + threadIdx.x;
  if (i >= (size_t)size.rows * size.heads) return;
  const uint32_t row = (uint32_t)(i / size.heads);
  const uint32_t h = (uint32_t)(i % size.heads);
  const float free = softplus(stepOf(dt, bias, size, row, h));
  const float weight = free < least ? least : free > most ? most : free;
  float* to = y + (size_t)row * 2 * size.heads + h;
  to[0] = weight;
  to[size.heads] = weight * A[h];
}
