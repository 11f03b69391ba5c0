#pragma once
#include "common.cuh"

// C[m, n] = sum_k A(m, k) B(n, k), in f32, for the three products of a linear layer. A block makes a square tile of C: it
// brings slices of A and B, 16 deep, to shared memory, where they lie depth first, and each thread multiplies 8 rows by 8
// (Tile 128) or 4 columns (Tile 64) of them in registers. While a slice is used, the next one is on its way to registers.

constexpr uint32_t kGemmDepth = 16;

template <uint32_t Tile>
constexpr uint32_t kTileThreads = Tile == 128 ? 256 : 128;

// How an operand lies in memory: element (outer, k), where outer counts m or n, at `outer * stride + k`, or across, at
// `k * stride + outer`.
enum class Lie { Along, Across };

template <typename W>
struct Operand {
  const typename W::Storage* data;
  uint32_t stride;
  // Rows of C for A, columns of C for B.
  uint32_t outers;
};

// Up to four numbers, and 0 for the rest; `aligned` says that they can be loaded at once when all four are there.
template <typename W>
__device__ inline float4 loadSome(const typename W::Storage* p, uint32_t count, bool aligned) {
  if (count >= 4 && aligned) return load4<W>(p);
  float4 four = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
  if (count > 0) four.x = load<W>(p);
  if (count > 1) four.y = load<W>(p + 1);
  if (count > 2) four.z = load<W>(p + 2);
  if (count > 3) four.w = load<W>(p + 3);
  return four;
}

// The first `count` of four numbers.
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

// Whether four numbers of every row can be loaded at once.
template <typename W>
__device__ inline bool inFours(const typename W::Storage* data, uint32_t stride) {
  return reinterpret_cast<uintptr_t>(data) % (4 * sizeof(typename W::Storage)) == 0 && stride % 4 == 0;
}

// A thread's part of the slices of one operand, on its way from global to shared memory: four numbers, and four that lie 8
// deeper.
template <typename W, Lie Lies, uint32_t Tile>
struct Slices {
  // Rows of shared memory keep 16 bytes of distance from a multiple of all banks: stores across them then do not collide.
  static constexpr uint32_t kPitch = Tile + 4;
  static constexpr uint32_t kParts = 2;
  static constexpr uint32_t kApart = kGemmDepth / kParts;
  const typename W::Storage* from;
  uint32_t stride;
  bool aligned;
  // Across: how many of the row there are from this thread's on. Along: rows past the end are the last one.
  uint32_t left;
  float4 held[kParts];

  // Along: half a warp takes 16 rows, its other half the four numbers next to them. Across: neighbours take neighbours.
  static __device__ inline uint32_t outerOf() {
    return Lies == Lie::Along ? threadIdx.x % 16 + threadIdx.x / 32 * 16 : threadIdx.x % (Tile / 4) * 4;
  }
  static __device__ inline uint32_t depthOf() {
    return Lies == Lie::Along ? threadIdx.x / 16 % 2 * 4 : threadIdx.x / (Tile / 4);
  }

  __device__ inline Slices(const Operand<W>& operand, uint32_t outer, uint32_t begin) {
    const uint32_t own = outer + outerOf();
    const uint32_t o = Lies == Lie::Along ? min(own, operand.outers - 1) : own;
    const size_t depth = (size_t)begin + depthOf();
    stride = operand.stride;
    from = operand.data + (Lies == Lie::Along ? o * (size_t)stride + depth : depth * stride + o);
    aligned = inFours<W>(operand.data, stride);
    left = o < operand.outers ? operand.outers - o : 0;
  }

  // The next slice, of which `depth` numbers are left; 0 stands for what is not there.
  __device__ inline void fetch(uint32_t depth) {
#pragma unroll
    for (uint32_t part = 0; part < kParts; part++) {
      const uint32_t d = depthOf() + part * kApart;
      const uint32_t deep = d < depth ? depth - d : 0;
      const uint32_t count = Lies == Lie::Along ? deep : (deep > 0 ? left : 0);
      held[part] = loadSome<W>(from + (Lies == Lie::Along ? part * kApart : part * kApart * (size_t)stride), count, aligned);
    }
    from += Lies == Lie::Along ? kGemmDepth : kGemmDepth * (size_t)stride;
  }

  __device__ inline void put(float* tile) const {
#pragma unroll
    for (uint32_t part = 0; part < kParts; part++) {
      float* to = tile + (depthOf() + part * kApart) * kPitch + outerOf();
      if (Lies == Lie::Across) {
        *reinterpret_cast<float4*>(to) = held[part];
      } else {
        to[0] = held[part].x;
        to[kPitch] = held[part].y;
        to[2 * kPitch] = held[part].z;
        to[3 * kPitch] = held[part].w;
      }
    }
  }
};

// Which tile a block makes: eight tiles down, then one to the right, so that blocks that run together share slices of both
// operands in the cache.
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

// The four columns of a thread come once or, half a tile apart, twice. (Its four rows always come twice.)
template <uint32_t Tile>
constexpr uint32_t kRightHalves = Tile == 128 ? 2 : 1;

__device__ inline void unpack(float4 four, float* to) {
  to[0] = four.x;
  to[1] = four.y;
  to[2] = four.z;
  to[3] = four.w;
}

// sum += what half a slice adds, from shared memory on: the thread's rows of A times its columns of B.
template <uint32_t Tile>
__device__ inline void multiply(const float* A, const float* B, float (&sum)[8][4 * kRightHalves<Tile>]) {
  constexpr uint32_t kPitch = Tile + 4;
#pragma unroll 2
  for (uint32_t d = 0; d < kGemmDepth; d++) {
    float ofA[8];
    float ofB[4 * kRightHalves<Tile>];
#pragma unroll
    for (uint32_t half = 0; half < 2; half++) {
      unpack(*reinterpret_cast<const float4*>(A + d * kPitch + half * (Tile / 2)), ofA + 4 * half);
    }
#pragma unroll
    for (uint32_t half = 0; half < kRightHalves<Tile>; half++) {
      unpack(*reinterpret_cast<const float4*>(B + d * kPitch + half * (Tile / 2)), ofB + 4 * half);
    }
#pragma unroll
    for (uint32_t i = 0; i < 8; i++) {
#pragma unroll
      for (uint32_t j = 0; j < 4 * kRightHalves<Tile>; j++) sum[i][j] += ofA[i] * ofB[j];
    }
  }
}

// The tile `blockIdx.x` of C [A.outers, B.outers], summed over the `share` of the depth (a multiple of kGemmDepth) that
// `blockIdx.y` stands for. Where the depth is shared out, each share writes a C of its own, one after the other, without
// the bias [n], which may be null.
template <uint32_t Tile, typename WA, Lie LiesA, typename WB, Lie LiesB>
__device__ void gemmTile(const Operand<WA>& A, const Operand<WB>& B, const float* bias, float* C, uint32_t depth,
                         uint32_t share) {
  constexpr uint32_t kPitch = Slices<WA, LiesA, Tile>::kPitch;
  constexpr uint32_t kHalves = kRightHalves<Tile>;
  __shared__ alignas(16) float tilesA[2 * kGemmDepth * kPitch];
  __shared__ alignas(16) float tilesB[2 * kGemmDepth * kPitch];

  const TilePlace place = tilePlace(blockIdx.x, (A.outers + Tile - 1) / Tile, (B.outers + Tile - 1) / Tile);
  const uint32_t m0 = place.m * Tile;
  const uint32_t n0 = place.n * Tile;
  const uint32_t begin = blockIdx.y * share;

  // A warp takes 4 by 8 threads of the tile: a step then reads 128 bytes of either operand at most.
  const uint32_t lane = threadIdx.x % kWarp;
  const uint32_t warp = threadIdx.x / kWarp;
  const uint32_t row = (warp / 2 * 4 + lane / 8) * 4;
  const uint32_t column = (warp % 2 * 8 + lane % 8) * 4;

  float sum[8][4 * kHalves];
#pragma unroll
  for (uint32_t i = 0; i < 8; i++) {
#pragma unroll
    for (uint32_t j = 0; j < 4 * kHalves; j++) sum[i][j] = 0.0f;
  }

  Slices<WA, LiesA, Tile> a(A, m0, begin);
  Slices<WB, LiesB, Tile> b(B, n0, begin);
  uint32_t left = min(share, depth - begin);
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
