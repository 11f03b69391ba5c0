#pragma once
#include "quantized.cuh"

// C[m, n] = sum_k A(m, k) B(n, k), in f32, for the three products of a linear layer. Each block computes a square tile of C.
// It copies tiles of A and B with 16 elements along k to shared memory, stored as [k, m] and [k, n]. Each thread computes 8
// rows by 8 columns (Tile 128) or 4 columns (Tile 64) in registers. The next tiles are loaded to registers while the current
// ones are multiplied.

constexpr uint32_t kGemmDepth = 16;

template <uint32_t Tile>
constexpr uint32_t kTileThreads = Tile == 128 ? 256 : 128;

// The memory layout of an operand, where `outer` is an index along m or n: element (outer, k) is at `outer * stride + k`
// (Along) or at `k * stride + outer` (Across).
enum class Layout { Along, Across };

template <typename W>
struct Operand {
  typename W::Pointer data;
  uint32_t stride;
  // The extent along m for A, along n for B.
  uint32_t outers;
};

// Loads `count` numbers, at most four, and returns 0 for the others. `aligned` is true when four can be loaded at once.
template <typename W>
__device__ inline float4 loadSome(typename W::Pointer p, uint32_t count, bool aligned) {
  if (count >= 4 && aligned) return load4<W>(p);
  float4 four = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
  if (count > 0) four.x = load<W>(p);
  if (count > 1) four.y = load<W>(p + 1);
  if (count > 2) four.z = load<W>(p + 2);
  if (count > 3) four.w = load<W>(p + 3);
  return four;
}

// The rows and tiles of a quantised matrix end at multiples of four.
template <>
__device__ inline float4 loadSome<Quantized>(QuantizedNumbers p, uint32_t count, bool) {
  if (count == 0) return make_float4(0.0f, 0.0f, 0.0f, 0.0f);
  return fourOf(p.type, p.blocks, p.at);
}

// Stores the first `count` of four numbers.
__device__ inline void storeSome(float* p, float4 four, uint32_t count, bool aligned) {
  if (count >= 4 && aligned) {
    *reinterpret_cast<float4*>(p) = four;
    return;
  }
  if (count > 0) p[0] = four.x;
  if (count > 1) p[1] = four.y;
  if (count > 2) p[2] = four.z;
  if (count > 3) p[3] = four.w;
}

// True when four numbers of every row can be loaded at once.
template <typename W>
__device__ inline bool inFours(typename W::Pointer data, uint32_t stride) {
  return reinterpret_cast<uintptr_t>(data) % (4 * sizeof(typename W::Storage)) == 0 && stride % 4 == 0;
}
template <>
__device__ inline bool inFours<Quantized>(QuantizedNumbers, uint32_t) {
  return true;
}

// The numbers of an operand's tile that one thread copies from global to shared memory: two groups of four numbers, 8 apart
// along k.
template <typename W, Layout Order, uint32_t Tile>
struct TileLoader {
  // Rows of shared memory are 16 bytes longer than a multiple of all banks, so stores down a column have no bank conflicts.
  static constexpr uint32_t kPitch = Tile + 4;
  static constexpr uint32_t kGroups = 2;
  static constexpr uint32_t kApart = kGemmDepth / kGroups;
  typename W::Pointer from;
  uint32_t stride;
  bool aligned;
  // Across: the number of elements from this thread's first one to the end of the row. Along: threads past the last row load
  // the last row.
  uint32_t left;
  float4 held[kGroups];

  // Along: half a warp loads four numbers of each of 16 rows, the other half the next four numbers. Across: adjacent threads
  // load adjacent numbers.
  static __device__ inline uint32_t outerOf() {
    return Order == Layout::Along ? threadIdx.x % 16 + threadIdx.x / 32 * 16 : threadIdx.x % (Tile / 4) * 4;
  }
  static __device__ inline uint32_t depthOf() {
    return Order == Layout::Along ? threadIdx.x / 16 % 2 * 4 : threadIdx.x / (Tile / 4);
  }

  __device__ inline TileLoader(const Operand<W>& operand, uint32_t outer, uint32_t begin) {
    const uint32_t own = outer + outerOf();
    const uint32_t o = Order == Layout::Along ? min(own, operand.outers - 1) : own;
    const size_t depth = (size_t)begin + depthOf();
    stride = operand.stride;
    from = operand.data + (Order == Layout::Along ? o * (size_t)stride + depth : depth * stride + o);
    aligned = inFours<W>(operand.data, stride);
    left = o < operand.outers ? operand.outers - o : 0;
  }

  // Loads the next tile, which has `depth` numbers along k; numbers past the end are 0.
  __device__ inline void fetch(uint32_t depth) {
#pragma unroll
    for (uint32_t group = 0; group < kGroups; group++) {
      const uint32_t d = depthOf() + group * kApart;
      const uint32_t deep = d < depth ? depth - d : 0;
      const uint32_t count = Order == Layout::Along ? deep : (deep > 0 ? left : 0);
      const size_t offset = Order == Layout::Along ? group * kApart : group * kApart * (size_t)stride;
      held[group] = loadSome<W>(from + offset, count, aligned);
    }
    from += Order == Layout::Along ? kGemmDepth : kGemmDepth * (size_t)stride;
  }

  // Stores the loaded numbers to the tile in shared memory.
  __device__ inline void put(float* tile) const {
#pragma unroll
    for (uint32_t group = 0; group < kGroups; group++) {
      float* to = tile + (depthOf() + group * kApart) * kPitch + outerOf();
      if (Order == Layout::Across) {
        *reinterpret_cast<float4*>(to) = held[group];
      } else {
        to[0] = held[group].x;
        to[kPitch] = held[group].y;
        to[2 * kPitch] = held[group].z;
        to[3 * kPitch] = held[group].w;
      }
    }
  }
};

// The position of the tile that a block computes. Blocks go down eight tiles, then one to the right, so that blocks that run
// at the same time read the same tiles of both operands from the cache.
struct TilePlace {
  uint32_t m;
  uint32_t n;
};

__device__ inline TilePlace tilePlace(uint32_t tile, uint32_t down, uint32_t right) {
  const uint32_t band = 8 * right;
  const uint32_t first = tile / band * 8;
  const uint32_t height = min(8u, down - first);
  return {first + tile % band % height, tile % band / height};
}

// Groups of four columns per thread, half a tile apart. (A thread always has two groups of four rows.)
template <uint32_t Tile>
constexpr uint32_t kColumnGroups = Tile == 128 ? 2 : 1;

__device__ inline void unpack(float4 four, float* to) {
  to[0] = four.x;
  to[1] = four.y;
  to[2] = four.z;
  to[3] = four.w;
}

// sum += the product of the tiles in shared memory: the thread's rows of A times its columns of B.
template <uint32_t Tile>
__device__ inline void multiply(const float* A, const float* B, float (&sum)[8][4 * kColumnGroups<Tile>]) {
  constexpr uint32_t kPitch = Tile + 4;
#pragma unroll 2
  for (uint32_t d = 0; d < kGemmDepth; d++) {
    float ofA[8];
    float ofB[4 * kColumnGroups<Tile>];
#pragma unroll
    for (uint32_t half = 0; half < 2; half++) {
      unpack(*reinterpret_cast<const float4*>(A + d * kPitch + half * (Tile / 2)), ofA + 4 * half);
    }
#pragma unroll
    for (uint32_t half = 0; half < kColumnGroups<Tile>; half++) {
      unpack(*reinterpret_cast<const float4*>(B + d * kPitch + half * (Tile / 2)), ofB + 4 * half);
    }
#pragma unroll
    for (uint32_t i = 0; i < 8; i++) {
#pragma unroll
      for (uint32_t j = 0; j < 4 * kColumnGroups<Tile>; j++) sum[i][j] += ofA[i] * ofB[j];
    }
  }
}

// The first row and the first column of the thread in a tile, or in half of one. The threads of a warp form 4 rows by 8
// columns, so that one step reads at most 128 bytes of either operand.
__device__ inline uint32_t gemmRow() { return (threadIdx.x / kWarp / 2 * 4 + threadIdx.x % kWarp / 8) * 4; }
__device__ inline uint32_t gemmColumn() { return (threadIdx.x / kWarp % 2 * 8 + threadIdx.x % kWarp % 8) * 4; }

// sum += the product of a tile of rows of A and a tile of rows of B over a depth of `left`.
template <uint32_t Tile, typename LoaderA, typename LoaderB>
__device__ inline void gemmSums(LoaderA& a, LoaderB& b, uint32_t left, float (&sum)[8][4 * kColumnGroups<Tile>]) {
  constexpr uint32_t kPitch = LoaderA::kPitch;
  __shared__ alignas(16) float tilesA[2 * kGemmDepth * kPitch];
  __shared__ alignas(16) float tilesB[2 * kGemmDepth * kPitch];
  const uint32_t row = gemmRow();
  const uint32_t column = gemmColumn();
  a.fetch(left);
  b.fetch(left);
  a.put(tilesA);
  b.put(tilesB);
  __syncthreads();
  uint32_t now = 0;
  for (bool more = true; more;) {
    more = left > kGemmDepth;
    left -= more ? kGemmDepth : 0;
    if (more) {
      a.fetch(left);
      b.fetch(left);
    }
    multiply<Tile>(tilesA + now * kGemmDepth * kPitch + row, tilesB + now * kGemmDepth * kPitch + column, sum);
    now = 1 - now;
    if (more) {
      a.put(tilesA + now * kGemmDepth * kPitch);
      b.put(tilesB + now * kGemmDepth * kPitch);
    }
    __syncthreads();
  }
}

// Computes tile `blockIdx.x` of C [A.outers, B.outers], summed over chunk `blockIdx.y` of k: `chunkDepth` elements, a multiple
// of kGemmDepth. With several chunks, each writes its own C, one after the other, without the bias. bias [n] may be null.
template <uint32_t Tile, typename WA, Layout OrderA, typename WB, Layout OrderB>
__device__ void gemmTile(const Operand<WA>& A, const Operand<WB>& B, const float* bias, float* C, uint32_t depth,
                         uint32_t chunkDepth) {
  constexpr uint32_t kHalves = kColumnGroups<Tile>;
  const TilePlace place = tilePlace(blockIdx.x, (A.outers + Tile - 1) / Tile, (B.outers + Tile - 1) / Tile);
  const uint32_t m0 = place.m * Tile;
  const uint32_t n0 = place.n * Tile;
  const uint32_t begin = blockIdx.y * chunkDepth;
  const uint32_t row = gemmRow();
  const uint32_t column = gemmColumn();

  float sum[8][4 * kHalves];
#pragma unroll
  for (uint32_t i = 0; i < 8; i++) {
#pragma unroll
    for (uint32_t j = 0; j < 4 * kHalves; j++) sum[i][j] = 0.0f;
  }

  TileLoader<WA, OrderA, Tile> a(A, m0, begin);
  TileLoader<WB, OrderB, Tile> b(B, n0, begin);
  gemmSums<Tile>(a, b, min(chunkDepth, depth - begin), sum);

  float* out = C + (size_t)blockIdx.y * A.outers * B.outers;
  const bool alignedOut = inFours<F32>(out, B.outers);
#pragma unroll
  for (uint32_t half = 0; half < kHalves; half++) {
    const uint32_t n = n0 + half * (Tile / 2) + column;
    const uint32_t count = n < B.outers ? B.outers - n : 0;
    const bool biased = bias != nullptr && gridDim.y == 1;
    const float4 shift = loadSome<F32>(biased ? bias + n : C, biased ? count : 0, false);
#pragma unroll
    for (uint32_t i = 0; i < 8; i++) {
      const uint32_t m = m0 + i / 4 * (Tile / 2) + row + i % 4;
      const float* values = sum[i] + 4 * half;
      const float4 four =
          make_float4(values[0] + shift.x, values[1] + shift.y, values[2] + shift.z, values[3] + shift.w);
      if (m < A.outers) storeSome(out + (size_t)m * B.outers + n, four, count, alignedOut);
    }
  }
}
