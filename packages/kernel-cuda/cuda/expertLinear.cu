#include "experts.cuh"
#include "linearFew.cuh"
#include "linearQuantized.cuh"

// y[p] = weight[expert of p] · x[p / K], or · x[p] (for `xChoices` = 1 choice per row of x): weight [E, O, I], y [choices, O].

struct ExpertSizes {
  uint32_t choices;
  uint32_t experts;
  uint32_t inFeatures;
  uint32_t outFeatures;
  uint32_t xStride;
  // Choices that share a row of x: K or 1.
  uint32_t xChoices;
};

// Few choices: each is a product of one row, which reads the weights of its expert. Blocks of one choice are next to each
// other.

template <typename W>
__device__ inline void expertRow(const float* x, const typename W::Storage* weight, const int32_t* experts, float* y,
                                 const ExpertSizes& size, uint32_t lanes, uint32_t blocks) {
  const uint32_t p = blockIdx.x / blocks;
  const uint32_t e = clampedExpert(experts[p], size.experts);
  linearFew<W, 1, 2, 4>(x + (size_t)(p / size.xChoices) * size.xStride,
                        weight + (size_t)e * size.outFeatures * size.inFeatures, nullptr,
                        y + (size_t)p * size.outFeatures, 1, size.inFeatures, size.outFeatures, size.xStride, lanes,
                        blockIdx.x % blocks);
}

template <typename Q>
__device__ inline void expertRowQuantized(const float* x, const uint8_t* weight, const int32_t* experts, float* y,
                                          const ExpertSizes& size, uint32_t lanes, uint32_t blocks) {
  const uint32_t p = blockIdx.x / blocks;
  const uint32_t e = clampedExpert(experts[p], size.experts);
  linearQuantized<Q, 1, 4>(x + (size_t)(p / size.xChoices) * size.xStride, weight, nullptr,
                           y + (size_t)p * size.outFeatures, 1, size.inFeatures, size.outFeatures, size.xStride, lanes,
                           blockIdx.x % blocks, e * size.outFeatures, size.experts * size.outFeatures);
}

#define MAMBA_EXPERT_ROW(name, W, row, Storage)                                                             \
  extern "C" __global__ void __launch_bounds__(kGemvThreads, 2)                                             \
      name(const float* x, const Storage* weight, const int32_t* experts, float* y, ExpertSizes size,       \
           uint32_t lanes, uint32_t blocks) {                                                               \
    row<W>(x, weight, experts, y, size, lanes, blocks);                                                     \
  }

MAMBA_EXPERT_ROW(expertRow_f32, F32, expertRow, float)
MAMBA_EXPERT_ROW(expertRow_f16, F16, expertRow, uint16_t)
MAMBA_EXPERT_ROW(expertRow_bf16, Bf16, expertRow, uint16_t)
MAMBA_EXPERT_ROW(expertRow_q8_0, Q8_0, expertRowQuantized, uint8_t)
MAMBA_EXPERT_ROW(expertRow_q4_0, Q4_0, expertRowQuantized, uint8_t)
MAMBA_EXPERT_ROW(expertRow_q4_1, Q4_1, expertRowQuantized, uint8_t)
MAMBA_EXPERT_ROW(expertRow_q5_0, Q5_0, expertRowQuantized, uint8_t)
MAMBA_EXPERT_ROW(expertRow_q5_1, Q5_1, expertRowQuantized, uint8_t)
MAMBA_EXPERT_ROW(expertRow_iq4_nl, Iq4Nl, expertRowQuantized, uint8_t)
MAMBA_EXPERT_ROW(expertRow_q4_k, Q4K, expertRowQuantized, uint8_t)
MAMBA_EXPERT_ROW(expertRow_q5_k, Q5K, expertRowQuantized, uint8_t)
MAMBA_EXPERT_ROW(expertRow_q6_k, Q6K, expertRowQuantized, uint8_t)

// Many choices: tiles of 64 choices of one expert by 64 columns of the result. With Order Along the columns are rows of the
// weight and the depth is I: y = x · weightᵀ. With Order Across the columns are those of the weight and the depth is O: dx =
// dy · weight.
template <typename W, Layout Order>
__device__ inline void expertTile(const float* x, typename W::Pointer weight, const uint32_t* index, float* y,
                                  const ExpertSizes& size) {
  const uint32_t depth = Order == Layout::Along ? size.inFeatures : size.outFeatures;
  const uint32_t columns = Order == Layout::Along ? size.outFeatures : size.inFeatures;
  const uint32_t right = (columns + kSide - 1) / kSide;
  const ExpertIndex choices(index, size.experts);
  const ExpertTile tile(choices, blockIdx.x / right);
  if (tile.count == 0) return;
  const uint32_t n0 = blockIdx.x % right * kSide;
  const auto choiceOf = [&](uint32_t i) { return choices.order[tile.begin + min(i, tile.count - 1)]; };

  TileSums sum;
  clearSums(sum);
  using LoaderA = TileLoader<F32, Layout::Along, kSide>;
  LoaderA a({x, size.xStride, tile.count}, 0, 0);
  a.from = x + (size_t)(choiceOf(LoaderA::outerOf()) / size.xChoices) * size.xStride + LoaderA::depthOf();
  TileLoader<W, Order, kSide> b({weight + (size_t)tile.expert * size.outFeatures * size.inFeatures, size.inFeatures, columns},
                                n0, 0);
  gemmSums<kSide>(a, b, depth, sum);

  const bool aligned = inFours<F32>(y, columns);
  const uint32_t n = n0 + tileColumn();
#pragma unroll
  for (uint32_t i = 0; i < 8; i++) {
    if (tileRow(i) >= tile.count) continue;
    const float4 four = make_float4(sum[i][0], sum[i][1], sum[i][2], sum[i][3]);
    storeSome(y + (size_t)choiceOf(tileRow(i)) * columns + n, four, n < columns ? columns - n : 0, aligned);
  }
}

#define MAMBA_EXPERT_TILE(name, W, Order)                                                                            \
  extern "C" __global__ void __launch_bounds__(kSideThreads, 4)                                                      \
      name(const float* x, const W::Storage* weight, const uint32_t* index, float* y, ExpertSizes size) {            \
    expertTile<W, Order>(x, weight, index, y, size);                                                                 \
  }

#define MAMBA_EXPERT_TILE_QUANTIZED(name, Order)                                                                     \
  extern "C" __global__ void __launch_bounds__(kSideThreads, 4)                                                      \
      name(const float* x, const uint8_t* weight, const uint32_t* index, float* y, ExpertSizes size, uint32_t type) { \
    const QuantizedNumbers matrix = quantizedMatrix(weight, type, size.experts * size.outFeatures, size.inFeatures); \
    expertTile<Quantized, Order>(x, matrix, index, y, size);                                                         \
  }

MAMBA_EXPERT_TILE(expertTile_f32, F32, Layout::Along)
MAMBA_EXPERT_TILE(expertTile_f16, F16, Layout::Along)
MAMBA_EXPERT_TILE(expertTile_bf16, Bf16, Layout::Along)
MAMBA_EXPERT_TILE_QUANTIZED(expertTile_quantized, Layout::Along)
MAMBA_EXPERT_TILE(expertBackwardInput_f32, F32, Layout::Across)
MAMBA_EXPERT_TILE(expertBackwardInput_f16, F16, Layout::Across)
MAMBA_EXPERT_TILE(expertBackwardInput_bf16, Bf16, Layout::Across)
MAMBA_EXPERT_TILE_QUANTIZED(expertBackwardInput_quantized, Layout::Across)

// dWeight[e] = sum over the choices p of e of dy[p] ⊗ x[p / K] (or x[p]), in their order. Each block computes a tile of one
// expert.
extern "C" __global__ void __launch_bounds__(kSideThreads, 4)
    expertBackwardWeight(const float* __restrict__ dy, const float* __restrict__ x, const uint32_t* __restrict__ index,
                         float* __restrict__ dWeight, ExpertSizes size, uint32_t dyStride) {
  __shared__ alignas(16) float tiles[2 * kSideTile];
  const uint32_t I = size.inFeatures;
  const uint32_t O = size.outFeatures;
  const uint32_t right = (I + kSide - 1) / kSide;
  const uint32_t each = (O + kSide - 1) / kSide * right;
  const uint32_t e = blockIdx.x / each;
  const uint32_t o0 = blockIdx.x % each / right * kSide;
  const uint32_t i0 = blockIdx.x % right * kSide;
  const ExpertIndex choices(index, size.experts);
  const uint32_t begin = choices.starts[e];
  const uint32_t count = choices.starts[e + 1] - begin;
  TileSums sum;
  clearSums(sum);
  const auto ofDy = [&](uint32_t o, uint32_t k) {
    return k < count && o0 + o < O ? dy[(size_t)choices.order[begin + k] * dyStride + o0 + o] : 0.0f;
  };
  const auto ofX = [&](uint32_t i, uint32_t k) {
    if (k >= count || i0 + i >= I) return 0.0f;
    return x[(size_t)(choices.order[begin + k] / size.xChoices) * size.xStride + i0 + i];
  };
  addProduct<Layout::Across, Layout::Across>(sum, {O - o0, I - i0}, count, ofDy, ofX, tiles);
#pragma unroll
  for (uint32_t i = 0; i < 8; i++) {
    const uint32_t o = o0 + tileRow(i);
#pragma unroll
    for (uint32_t j = 0; j < 4; j++) {
      const uint32_t column = i0 + tileColumn() + j;
      if (o < O && column < I) dWeight[((size_t)e * O + o) * I + column] = sum[i][j];
    }
  }
}
