#pragma once
// Weights in ggml's quantised types. In device memory the fields of the blocks are apart: each field of all blocks of a tensor
// is a dense plane, and the planes follow each other (src/quantized.ts has their order), so that adjacent threads load adjacent
// words. The bytes of a field are those of ggml's block.
//
// A block has units of 16 numbers, in four groups of four adjacent numbers whose quants one thread loads together. For every type
// a struct has
//   kBlock              the numbers of a block
//   load(blocks, b, u)  the words of unit u of block b
//   four(words, u, i)   group i of the unit: exactly the numbers of the formula above the struct, in f32
//   column(u, i)        the place of that group's first number in its block, and `place`, the inverse
// Every product below is exact in f32 with at most one rounding at the end, so that fma does not change a bit of the result.

#include "common.cuh"

constexpr uint32_t kUnit = 16;

struct Blocks {
  const uint8_t* data;
  // The blocks of the tensor, which places the planes.
  size_t count;
};

// Element `i` of the plane that begins after `Before` bytes of every block.
template <uint32_t Before, typename T>
__device__ inline T plane(const Blocks& blocks, size_t i) {
  return reinterpret_cast<const T*>(blocks.data + Before * blocks.count)[i];
}

// The place of a group of four numbers: a unit of the block and a group of the unit.
struct GroupPlace {
  uint32_t unit;
  uint32_t group;
};

// Numbers from the bytes of a word. A byte below 128 is written to the mantissa of 128.0, which gives 128 + byte without a slow
// conversion; any byte to the mantissa of 32768.0.

__device__ inline float plus128(uint32_t bytes, uint32_t i) {
  return floatOf(__byte_perm(bytes, 0x43000000u, 0x7044u + (i << 8)));
}

__device__ inline float plus32768(uint32_t bytes, uint32_t i) {
  return floatOf(__byte_perm(bytes, 0x47000000u, 0x7404u + (i << 4)));
}

__device__ inline float4 plus128(uint32_t bytes) {
  return make_float4(plus128(bytes, 0), plus128(bytes, 1), plus128(bytes, 2), plus128(bytes, 3));
}

__device__ inline float4 plus32768(uint32_t bytes) {
  return make_float4(plus32768(bytes, 0), plus32768(bytes, 1), plus32768(bytes, 2), plus32768(bytes, 3));
}

// values * scale + shift
__device__ inline float4 scaled(float4 values, float scale, float shift) {
  return make_float4(__fmaf_rn(values.x, scale, shift), __fmaf_rn(values.y, scale, shift),
                     __fmaf_rn(values.z, scale, shift), __fmaf_rn(values.w, scale, shift));
}

// scale (byte - zero) for bytes below 128
__device__ inline float4 centred(uint32_t bytes, float scale, float zero) {
  return scaled(plus128(bytes), scale, -(128.0f + zero) * scale);
}

// scale (byte - 128) for any bytes
__device__ inline float4 centredBytes(uint32_t bytes, float scale) {
  return scaled(plus32768(bytes), scale, -32896.0f * scale);
}

// scale byte + least for bytes below 128
__device__ inline float4 raised(uint32_t bytes, float scale, float least) {
  const float4 values = plus128(bytes);
  return scaled(make_float4(values.x - 128.0f, values.y - 128.0f, values.z - 128.0f, values.w - 128.0f), scale, least);
}

// The nibbles of group i of a unit, one per byte: the lower ones of both words, then the upper ones.
__device__ inline uint32_t nibbles(uint2 quants, uint32_t i) {
  return (i % 2 == 0 ? quants.x : quants.y) >> (i / 2 * 4) & 0x0f0f0f0fu;
}

// Four bits, moved to bit 4 of one byte each.
__device__ inline uint32_t fifthBits(uint32_t bits) { return (bits & 15u) * 0x00204081u << 4 & 0x10101010u; }

// Units of 16 adjacent numbers.
struct Adjacent {
  static constexpr uint32_t kBlock = 32;
  static __device__ inline uint32_t column(uint32_t unit, uint32_t i) { return 16 * unit + 4 * i; }
  static __device__ inline GroupPlace place(uint32_t column) { return {column / 16, column % 16 / 4}; }
};

// 8 bytes hold numbers j to j + 7 in their lower and Apart + j to Apart + j + 7 in their upper nibbles.
template <uint32_t Block, uint32_t Apart>
struct Halves {
  static constexpr uint32_t kBlock = Block;
  static constexpr uint32_t kUnits = Apart / 8;
  static __device__ inline uint32_t column(uint32_t unit, uint32_t i) {
    return 2 * Apart * (unit / kUnits) + 8 * (unit % kUnits) + i / 2 * Apart + i % 2 * 4;
  }
  static __device__ inline GroupPlace place(uint32_t column) {
    return {column / (2 * Apart) * kUnits + column % Apart / 8, column / Apart % 2 * 2 + column / 4 % 2};
  }
};

// w = d q
struct Q8_0 : Adjacent {
  struct Words {
    uint4 quants;
    uint16_t d;
  };
  static __device__ inline Words load(const Blocks& blocks, size_t b, uint32_t unit) {
    return {plane<0, uint4>(blocks, 2 * b + unit), plane<32, uint16_t>(blocks, b)};
  }
  static __device__ inline float4 four(const Words& words, uint32_t, uint32_t i) {
    const uint2 pair = i / 2 == 0 ? make_uint2(words.quants.x, words.quants.y) : make_uint2(words.quants.z, words.quants.w);
    return centredBytes((i % 2 == 0 ? pair.x : pair.y) ^ 0x80808080u, f16ToFloat(words.d));
  }
};

// w = d (n - 8)
struct Q4_0 : Halves<32, 16> {
  struct Words {
    uint2 quants;
    uint16_t d;
  };
  static __device__ inline Words load(const Blocks& blocks, size_t b, uint32_t unit) {
    return {plane<0, uint2>(blocks, 2 * b + unit), plane<16, uint16_t>(blocks, b)};
  }
  static __device__ inline float4 four(const Words& words, uint32_t, uint32_t i) {
    return centred(nibbles(words.quants, i), f16ToFloat(words.d), 8.0f);
  }
};

// w = d n + m
struct Q4_1 : Halves<32, 16> {
  struct Words {
    uint2 quants;
    uint32_t dm;
  };
  static __device__ inline Words load(const Blocks& blocks, size_t b, uint32_t unit) {
    return {plane<0, uint2>(blocks, 2 * b + unit), plane<16, uint32_t>(blocks, b)};
  }
  static __device__ inline float4 four(const Words& words, uint32_t, uint32_t i) {
    const float2 dm = F16::pair(words.dm);
    return raised(nibbles(words.quants, i), dm.x, dm.y);
  }
};

// w = d (n - 16), n of five bits
struct Q5_0 : Halves<32, 16> {
  struct Words {
    uint2 quants;
    uint32_t fifth;
    uint16_t d;
  };
  static __device__ inline Words load(const Blocks& blocks, size_t b, uint32_t unit) {
    return {plane<0, uint2>(blocks, 2 * b + unit), plane<16, uint32_t>(blocks, b), plane<20, uint16_t>(blocks, b)};
  }
  static __device__ inline float4 four(const Words& words, uint32_t unit, uint32_t i) {
    const uint32_t bytes = nibbles(words.quants, i) | fifthBits(words.fifth >> column(unit, i));
    return centred(bytes, f16ToFloat(words.d), 16.0f);
  }
};

// w = d n + m, n of five bits
struct Q5_1 : Halves<32, 16> {
  struct Words {
    uint2 quants;
    uint32_t fifth;
    uint32_t dm;
  };
  static __device__ inline Words load(const Blocks& blocks, size_t b, uint32_t unit) {
    return {plane<0, uint2>(blocks, 2 * b + unit), plane<16, uint32_t>(blocks, b), plane<20, uint32_t>(blocks, b)};
  }
  static __device__ inline float4 four(const Words& words, uint32_t unit, uint32_t i) {
    const float2 dm = F16::pair(words.dm);
    return raised(nibbles(words.quants, i) | fifthBits(words.fifth >> column(unit, i)), dm.x, dm.y);
  }
};

// w = d T[n], T = -127 -104 -83 -65 -49 -35 -22 -10 1 13 25 38 53 69 89 113
struct Iq4Nl : Q4_0 {
  // T + 128 for four nibbles, each in a byte.
  static __device__ inline uint32_t lookUp(uint32_t n) {
    // The digits of a selector: the four nibbles next to each other.
    const uint32_t pairs = n | n >> 4;
    const uint32_t digits = (pairs & 0xffu) | (pairs >> 8 & 0xff00u);
    const uint32_t low = __byte_perm(0x3f2d1801u, 0x766a5d4fu, digits & 0x7777u);
    const uint32_t high = __byte_perm(0xa6998d81u, 0xf1d9c5b5u, digits & 0x7777u);
    return __byte_perm(low, high, 0x3210u | (digits >> 1 & 0x4444u));
  }
  static __device__ inline float4 four(const Words& words, uint32_t, uint32_t i) {
    return centredBytes(lookUp(nibbles(words.quants, i)), f16ToFloat(words.d));
  }
};

// d, dmin and twelve bytes S with a scale and a minimum of six bits for each of the eight groups j of 32 numbers:
//   j < 4   scale = S[j] & 63,                            min = S[j + 4] & 63
//   j >= 4  scale = (S[j + 4] & 15) | (S[j - 4] >> 6) << 4,  min = S[j + 4] >> 4 | (S[j] >> 6) << 4
// Returns d scale and -dmin min of group j = 2 pair + half.
__device__ inline float2 scaleAndLeast(uint4 header, uint32_t pair, uint32_t half) {
  const uint32_t shift = pair % 2 * 16;
  const uint32_t first = header.y >> shift;
  const uint32_t second = header.z >> shift;
  const uint32_t third = header.w >> shift;
  const bool early = pair < 2;
  // Both groups of the pair, one per byte.
  const uint32_t scales = early ? first & 0x3f3fu : (third & 0x0f0fu) | (first >> 2 & 0x3030u);
  const uint32_t mins = early ? second & 0x3f3fu : (third >> 4 & 0x0f0fu) | (second >> 2 & 0x3030u);
  const float2 d = F16::pair(header.x);
  return make_float2(__fmaf_rn(plus128(scales, half), d.x, -128.0f * d.x),
                     __fmaf_rn(plus128(mins, half), -d.y, 128.0f * d.y));
}

// w = d scale n - dmin min
struct Q4K : Halves<256, 32> {
  struct Words {
    uint2 quants;
    uint4 header;
  };
  static __device__ inline Words load(const Blocks& blocks, size_t b, uint32_t unit) {
    return {plane<0, uint2>(blocks, 16 * b + unit), plane<128, uint4>(blocks, b)};
  }
  static __device__ inline float4 four(const Words& words, uint32_t unit, uint32_t i) {
    const float2 by = scaleAndLeast(words.header, unit / 4, i / 2);
    return raised(nibbles(words.quants, i), by.x, by.y);
  }
};

// w = d scale n - dmin min, n of five bits
struct Q5K : Halves<256, 32> {
  struct Words {
    uint2 quants;
    uint2 fifth;
    uint4 header;
  };
  static __device__ inline Words load(const Blocks& blocks, size_t b, uint32_t unit) {
    return {plane<0, uint2>(blocks, 16 * b + unit), plane<144, uint2>(blocks, 4 * b + unit % 4),
            plane<128, uint4>(blocks, b)};
  }
  static __device__ inline float4 four(const Words& words, uint32_t unit, uint32_t i) {
    const float2 by = scaleAndLeast(words.header, unit / 4, i / 2);
    // Bit 2 (unit / 4) + i / 2 of each byte, moved to bit 4.
    const uint32_t fifth = (i % 2 == 0 ? words.fifth.x : words.fifth.y) >> (unit / 4 * 2) << (4 - i / 2) & 0x10101010u;
    return raised(nibbles(words.quants, i) | fifth, by.x, by.y);
  }
};

// w = d scale (q - 32), q of six bits, with a scale of eight bits for 16 numbers. A unit has four numbers of each quarter of a
// half block.
struct Q6K {
  static constexpr uint32_t kBlock = 256;
  struct Words {
    uint32_t low;
    uint32_t high;
    uint32_t upper;
    uint2 scales;
    uint16_t d;
  };
  static __device__ inline uint32_t column(uint32_t unit, uint32_t i) { return unit / 8 * 128 + unit % 8 * 4 + 32 * i; }
  static __device__ inline GroupPlace place(uint32_t column) {
    return {column / 128 * 8 + column % 32 / 4, column / 32 % 4};
  }
  static __device__ inline Words load(const Blocks& blocks, size_t b, uint32_t unit) {
    const size_t half = 2 * b + unit / 8;
    const uint32_t word = unit % 8;
    return {plane<0, uint32_t>(blocks, 16 * half + word), plane<0, uint32_t>(blocks, 16 * half + 8 + word),
            plane<128, uint32_t>(blocks, 8 * half + word), plane<192, uint2>(blocks, half),
            plane<208, uint16_t>(blocks, b)};
  }
  static __device__ inline float4 four(const Words& words, uint32_t unit, uint32_t i) {
    const uint32_t four = (i % 2 == 0 ? words.low : words.high) >> (i / 2 * 4) & 0x0f0f0f0fu;
    const uint32_t two = words.upper >> (2 * i) & 0x03030303u;
    // The signed byte plus 128.
    const uint32_t scales = (i / 2 == 0 ? words.scales.x : words.scales.y) ^ 0x80808080u;
    const float d = f16ToFloat(words.d);
    const float scale = __fmaf_rn(plus32768(scales, i % 2 * 2 + unit % 8 / 4), d, -32896.0f * d);
    return centred(four | two << 4, scale, 32.0f);
  }
};

// The four numbers from `at` on, a multiple of four, of a tensor whose type is only known at run time; `type` is an index of
// `quantizedTypes` in src/quantized.ts.

template <typename Q>
__device__ inline float4 fourOf(const Blocks& blocks, size_t at) {
  const GroupPlace place = Q::place((uint32_t)(at % Q::kBlock));
  return Q::four(Q::load(blocks, at / Q::kBlock, place.unit), place.unit, place.group);
}

__device__ inline float4 fourOf(uint32_t type, const Blocks& blocks, size_t at) {
  switch (type) {
    case 0: return fourOf<Q8_0>(blocks, at);
    case 1: return fourOf<Q4_0>(blocks, at);
    case 2: return fourOf<Q4_1>(blocks, at);
    case 3: return fourOf<Q5_0>(blocks, at);
    case 4: return fourOf<Q5_1>(blocks, at);
    case 5: return fourOf<Iq4Nl>(blocks, at);
    case 6: return fourOf<Q4K>(blocks, at);
    case 7: return fourOf<Q5K>(blocks, at);
    default: return fourOf<Q6K>(blocks, at);
  }
}

__device__ inline uint32_t blockOf(uint32_t type) { return type < 6 ? 32 : 256; }

// An operand of a tiled product (gemm.cuh): a quantised matrix from the element `at` on, which is a multiple of four. Groups of
// four numbers never cross the end of a row.
struct QuantizedNumbers {
  Blocks blocks;
  uint32_t type;
  size_t at;
  __device__ inline QuantizedNumbers operator+(size_t count) const { return {blocks, type, at + count}; }
  __device__ inline QuantizedNumbers& operator+=(size_t count) {
    at += count;
    return *this;
  }
};

__device__ inline QuantizedNumbers quantizedMatrix(const uint8_t* data, uint32_t type, uint32_t rows, uint32_t columns) {
  return {{data, (size_t)rows * (columns / blockOf(type))}, type, 0};
}

struct Quantized {
  using Pointer = QuantizedNumbers;
};
