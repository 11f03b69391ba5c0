#include "linearQuantized.cuh"

#define MAMBA_LINEAR_QUANTIZED(name, Q, Rows, blocks)                                                              \
  extern "C" __global__ void __launch_bounds__(kGemvThreads, blocks)                                               \
      name(const float* x, const uint8_t* weight, const float* bias, float* y, uint32_t rows, uint32_t inFeatures, \
           uint32_t outFeatures, uint32_t xStride, uint32_t lanes) {                                               \
    linearQuantized<Q, Rows, 4>(x, weight, bias, y, rows, inFeatures, outFeatures, xStride, lanes, blockIdx.x, 0,  \
                                outFeatures);                                                                      \
  }

MAMBA_LINEAR_QUANTIZED(linear1_q8_0, Q8_0, 1, 3)
MAMBA_LINEAR_QUANTIZED(linear8_q8_0, Q8_0, 8, 2)
MAMBA_LINEAR_QUANTIZED(linear1_q4_0, Q4_0, 1, 3)
MAMBA_LINEAR_QUANTIZED(linear8_q4_0, Q4_0, 8, 2)
MAMBA_LINEAR_QUANTIZED(linear1_q4_1, Q4_1, 1, 3)
MAMBA_LINEAR_QUANTIZED(linear8_q4_1, Q4_1, 8, 2)
MAMBA_LINEAR_QUANTIZED(linear1_q5_0, Q5_0, 1, 2)
MAMBA_LINEAR_QUANTIZED(linear8_q5_0, Q5_0, 8, 2)
MAMBA_LINEAR_QUANTIZED(linear1_q5_1, Q5_1, 1, 3)
MAMBA_LINEAR_QUANTIZED(linear8_q5_1, Q5_1, 8, 2)
MAMBA_LINEAR_QUANTIZED(linear1_iq4_nl, Iq4Nl, 1, 3)
MAMBA_LINEAR_QUANTIZED(linear8_iq4_nl, Iq4Nl, 8, 2)
MAMBA_LINEAR_QUANTIZED(linear1_q4_k, Q4K, 1, 2)
MAMBA_LINEAR_QUANTIZED(linear8_q4_k, Q4K, 8, 2)
MAMBA_LINEAR_QUANTIZED(linear1_q5_k, Q5K, 1, 2)
MAMBA_LINEAR_QUANTIZED(linear8_q5_k, Q5K, 8, 2)
MAMBA_LINEAR_QUANTIZED(linear1_q6_k, Q6K, 1, 2)
MAMBA_LINEAR_QUANTIZED(linear8_q6_k, Q6K, 8, 2)
