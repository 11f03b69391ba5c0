#include "tensorTable.cuh"

// The factors of one optimizer step, equal for all parameters.
struct AdamW {
  // 1 - lr * weightDecay
  float kept;
  // lr / (1 - beta1^step)
  float rate;
  // 1 / sqrt(1 - beta2^step)
  float unbias;
  float eps;
  float beta1;
  float beta2;
  // 1 - beta1 and 1 - beta2, computed in f64 on the host: in f32 the difference has few correct digits.
  float rest1;
  float rest2;
};

__device__ inline void adamwOne(const AdamW& step, float g, float& param, float& m, float& v) {
  m = step.beta1 * m + step.rest1 * g;
  v = step.beta2 * v + step.rest2 * g * g;
  param = step.kept * param - step.rate * m / (sqrtf(v) * step.unbias + step.eps);
}

// m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g², with g = grad * gradScale [1], which may be null;
// param -= lr (weightDecay param + m / (1 - beta1^step) / (sqrt(v / (1 - beta2^step)) + eps))
// Each block updates a chunk of 4,096 elements of one parameter. A table entry holds: the number of its first block, the
// addresses of param, grad, m and v, and the number of elements.
extern "C" __global__ void __launch_bounds__(256)
    adamwStep(const float* gradScale, float kept, float rate, float unbias, float eps, float beta1, float beta2, float rest1,
              float rest2, uint32_t entries, const TensorTable table) {
  constexpr uint32_t kChunk = 4096;
  const AdamW step = {kept, rate, unbias, eps, beta1, beta2, rest1, rest2};
  const uint32_t entry = entryOf(table, 10, entries, blockIdx.x);
  float* param = addressAt(table, entry + 1);
  const float* grad = addressAt(table, entry + 3);
  float* m = addressAt(table, entry + 5);
  float* v = addressAt(table, entry + 7);
  const uint32_t count = table.words[entry + 9];
  const uint32_t begin = (blockIdx.x - table.words[entry]) * kChunk;
  const uint32_t end = count - begin < kChunk ? count : begin + kChunk;
  const float scale = gradScale == nullptr ? 1.0f : gradScale[0];
  const uintptr_t all = reinterpret_cast<uintptr_t>(param) | reinterpret_cast<uintptr_t>(grad) |
                        reinterpret_cast<uintptr_t>(m) | reinterpret_cast<uintptr_t>(v);
  uint32_t i = begin;
  if (all % sizeof(float4) == 0) {
    for (; end - i >= 4 * blockDim.x; i += 4 * blockDim.x) {
      const uint32_t at = i + 4 * threadIdx.x;
      const float4 g4 = load4<F32>(grad + at);
      float4 param4 = load4<F32>(param + at);
      float4 m4 = load4<F32>(m + at);
      float4 v4 = load4<F32>(v + at);
      adamwOne(step, g4.x * scale, param4.x, m4.x, v4.x);
      adamwOne(step, g4.y * scale, param4.y, m4.y, v4.y);
      adamwOne(step, g4.z * scale, param4.z, m4.z, v4.z);
      adamwOne(step, g4.w * scale, param4.w, m4.w, v4.w);
      *reinterpret_cast<float4*>(param + at) = param4;
      *reinterpret_cast<float4*>(m + at) = m4;
      *reinterpret_cast<float4*>(v + at) = v4;
    }
  }
  for (i += threadIdx.x; i < end; i += blockDim.x) adamwOne(step, grad[i] * scale, param[i], m[i], v[i]);
}
