import { loadLanes } from "./lanes.ts";
import { BF16, F16, F16_PACKED, F32 } from "./records.ts";

// Conversion of f16 and bf16 to f32, exact, and back, rounded, in registers. packHalves.ts describes packed f16.

/** Bytes of one element of a storage type. */
@inline
export function elementBytes(type: i32): usize {
  return type == F32 ? 4 : 2;
}

/** The bits of an f16, shifted to their positions in an f32, are the number times 2^-112: the exponents' biases differ. */
export const REBIAS: f32 = 5192296858534827628530496329220096.0;

/** 2^102: the factor of packed f16, whose numbers are 2^10 times as large. */
export const PACKED_REBIAS: f32 = 5070602400912917605986812821504.0;

/** Sign, the five lower bits of the exponent and the ten upper bits of the mantissa of an f32. */
export const HALF_BITS: i32 = 0x8fffe000;

/** Four sign-extended f16 -> f32. */
@inline
export function widenHalves(bits: v128): v128 {
  // After the shift the sign fills all bits above the exponent; the mask keeps one.
  const moved = v128.and(i32x4.shl(bits, 13), i32x4.splat(HALF_BITS));
  const value = f32x4.mul(moved, f32x4.splat(REBIAS));
  // Only exponent 31 gives 2^16 and more: with the exponent of f32 all ones it is the same infinity or NaN.
  const special = f32x4.ge(f32x4.abs(value), f32x4.splat(65536.0));
  return v128.or(value, v128.and(special, i32x4.splat(0x7f800000)));
}

/**
 * Converts halves 0 to 3 of eight: bf16 -> f32; finite f16, subnormal ones too, and packed f16 -> f32 times 2^-112. The upper 16 bits of each
 * f32 hold sign, exponent and seven bits of the mantissa, the lower 16 bits the other three.
 */
@inline
export function lowerHalves(bits: v128, type: i32): v128 {
  // The product with 2^13 of the lower half of each lane is that half, sign-extended and shifted: one instruction for two.
  if (type == F16_PACKED) return v128.and(i32x4.dot_i16x8_s(bits, i32x4.splat(0x2000)), i32x4.splat(HALF_BITS));
  if (type == BF16) return v128.shuffle<i16>(i16x8.splat(0), bits, 0, 8, 1, 9, 2, 10, 3, 11);
  return v128.shuffle<i16>(i16x8.shl(bits, 13), topOfHalves(bits), 0, 8, 1, 9, 2, 10, 3, 11);
}

/** Converts halves 4 to 7 of eight. */
@inline
export function upperHalves(bits: v128, type: i32): v128 {
  if (type == F16_PACKED) return v128.and(i32x4.shr_s(bits, 3), i32x4.splat(HALF_BITS));
  if (type == BF16) return v128.shuffle<i16>(i16x8.splat(0), bits, 4, 12, 5, 13, 6, 14, 7, 15);
  return v128.shuffle<i16>(i16x8.shl(bits, 13), topOfHalves(bits), 4, 12, 5, 13, 6, 14, 7, 15);
}

@inline
function topOfHalves(bits: v128): v128 {
  return v128.and(i16x8.shr_s(bits, 3), i16x8.splat(<i16>0x8fff));
}

/** Returns the maximum of `seen` and twice the magnitude bits of f16, for isSpecial. */
@inline
export function noteHalves(seen: v128, bits: v128, type: i32): v128 {
  return type == F16 ? i16x8.max_u(seen, i16x8.add(bits, bits)) : seen;
}

/** True when an infinity or NaN was among the f16 that noteHalves has seen. */
@inline
export function isSpecial(seen: v128): bool {
  return v128.any_true(i16x8.ge_u(seen, i16x8.splat(<i16>0xf800)));
}

/** Four zero-extended bf16 -> f32: they are the upper half of its bits. */
@inline
function widenBrains(bits: v128): v128 {
  return i32x4.shl(bits, 16);
}

/** Loads four stored numbers as f32. */
@inline
export function loadWide(at: usize, type: i32): v128 {
  if (type == F32) return v128.load(at);
  if (type == F16) return widenHalves(v128.load16x4_s(at));
  return widenBrains(v128.load16x4_u(at));
}

/** Loads the first `count` (1 to 3) stored numbers as f32, then zeros. Reads nothing beyond them. */
export function loadWidePartial(at: usize, count: i32, type: i32): v128 {
  if (type == F32) return loadLanes(at, count);
  let bits = i32x4.splat(0);
  // Sign-extended, as f16 needs it; for bf16 the upper bits are shifted out.
  bits = i32x4.replace_lane(bits, 0, load<i16>(at));
  if (count > 1) bits = i32x4.replace_lane(bits, 1, load<i16>(at, 2));
  if (count > 2) bits = i32x4.replace_lane(bits, 2, load<i16>(at, 4));
  return type == BF16 ? widenBrains(bits) : widenHalves(bits);
}

/** Converts `count` stored numbers to f32. */
export function widenRow(to: usize, from: usize, count: i32, type: i32): void {
  if (type == F32) memory.copy(to, from, (<usize>count) << 2);
  else if (type == BF16) widenEights(to, from, count, BF16);
  else if (type == F16_PACKED) widenEights(to, from, count, F16_PACKED);
  else if (!widenEights(to, from, count, F16)) {
    // The row holds an infinity or a NaN: convert it again, exactly.
    for (let i = 0; i < (count & ~7); i += 4) v128.store(to + (i << 2), loadWide(from + (i << 1), F16));
  }
}

/** Returns false when an f16 among the whole groups of eight is an infinity or NaN: these groups are then wrong. */
@inline
function widenEights(to: usize, from: usize, count: i32, type: i32): bool {
  const scale = f32x4.splat(type == F16 ? REBIAS : PACKED_REBIAS);
  let seen = i16x8.splat(0);
  for (; count >= 8; count -= 8) {
    const bits = v128.load(from);
    seen = noteHalves(seen, bits, type);
    const lower = lowerHalves(bits, type);
    const upper = upperHalves(bits, type);
    v128.store(to, type == BF16 ? lower : f32x4.mul(lower, scale));
    v128.store(to, type == BF16 ? upper : f32x4.mul(upper, scale), 16);
    from += 16;
    to += 32;
  }
  for (; count > 0; count--) {
    store<f32>(to, f32x4.extract_lane(loadWidePartial(from, 1, type), 0));
    from += 2;
    to += 4;
  }
  return type != F16 || !isSpecial(seen);
}

/** Four f32 -> four f16 or bf16 in the lower half of the result, rounded to nearest even. A NaN becomes a quiet NaN. */
@inline
export function narrowLanes(x: v128, type: i32): v128 {
  const isNaN = f32x4.ne(x, x);
  const sign = v128.and(i32x4.shr_u(x, 16), i32x4.splat(0x8000));
  const size = v128.and(x, i32x4.splat(0x7fffffff));
  let bits: v128;
  if (type == BF16) {
    bits = i32x4.shr_u(i32x4.add(i32x4.add(size, i32x4.splat(0x7fff)), oddBit(size, 16)), 16);
    bits = v128.bitselect(i32x4.splat(0x7fc0), bits, isNaN);
  } else {
    const rounded = i32x4.add(i32x4.add(size, i32x4.splat(0xfff - 0x38000000)), oddBit(size, 13));
    const normal = i32x4.min_s(i32x4.shr_s(rounded, 13), i32x4.splat(0x7c00));
    // Below 2^-14 neighbours are 2^-24 apart, like floats near 0.5: adding 0.5 rounds in hardware.
    const small = i32x4.sub(f32x4.add(size, f32x4.splat(0.5)), i32x4.splat(0x3f000000));
    bits = v128.bitselect(small, normal, i32x4.lt_s(size, i32x4.splat(0x38800000)));
    bits = v128.bitselect(i32x4.splat(0x7e00), bits, isNaN);
  }
  return i16x8.narrow_i32x4_u(v128.or(bits, sign), bits);
}

/** Bit `position` of each lane. */
@inline
function oddBit(bits: v128, position: i32): v128 {
  return v128.and(i32x4.shr_u(bits, position), i32x4.splat(1));
}
