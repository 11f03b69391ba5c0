import { BF16, F16, F32 } from "./args.ts";
import { loadLanes } from "./math.ts";

// Halves become f32 in registers, exactly: every f16 and bf16 number, infinity and NaN is also an f32.

/** Bytes of one element of a storage type. */
@inline
export function elementBytes(type: i32): usize {
  return type == F32 ? 4 : 2;
}

/** f16 bits moved to the places of f32 are the number times 2^-112: the difference of the exponents' biases. */
const REBIAS: f32 = 5192296858534827628530496329220096.0;

/** Four sign-extended f16 -> f32. */
@inline
function widenHalves(bits: v128): v128 {
  // The sign fills the bits above the exponent after the shift; the mask keeps one copy of it.
  const moved = v128.and(i32x4.shl(bits, 13), i32x4.splat(0x8fffe000));
  const value = f32x4.mul(moved, f32x4.splat(REBIAS));
  // 2^16 and more can only come from exponent 31: f32's all-ones exponent makes the same infinity or NaN of it.
  const special = f32x4.ge(f32x4.abs(value), f32x4.splat(65536.0));
  return v128.or(value, v128.and(special, i32x4.splat(0x7f800000)));
}

/**
 * Halves 0 to 3 of eight: bf16 -> f32; finite f16 -> f32 times 2^-112, where subnormals are right too. The upper 16 bits
 * of each f32 take sign, exponent and seven bits of the mantissa, the lower 16 bits the other three.
 */
@inline
export function lowerHalves(bits: v128, type: i32): v128 {
  if (type == BF16) return v128.shuffle<i16>(i16x8.splat(0), bits, 0, 8, 1, 9, 2, 10, 3, 11);
  return v128.shuffle<i16>(i16x8.shl(bits, 13), topOfHalves(bits), 0, 8, 1, 9, 2, 10, 3, 11);
}

/** Halves 4 to 7. */
@inline
export function upperHalves(bits: v128, type: i32): v128 {
  if (type == BF16) return v128.shuffle<i16>(i16x8.splat(0), bits, 4, 12, 5, 13, 6, 14, 7, 15);
  return v128.shuffle<i16>(i16x8.shl(bits, 13), topOfHalves(bits), 4, 12, 5, 13, 6, 14, 7, 15);
}

@inline
function topOfHalves(bits: v128): v128 {
  return v128.and(i16x8.shr_s(bits, 3), i16x8.splat(<i16>0x8fff));
}

/** Keeps the largest of twice the magnitude bits, for isSpecial. */
@inline
export function noteHalves(seen: v128, bits: v128, type: i32): v128 {
  return type == F16 ? i16x8.max_u(seen, i16x8.add(bits, bits)) : seen;
}

/** Whether an infinity or NaN was among the noted f16. */
@inline
export function isSpecial(seen: v128): bool {
  return v128.any_true(i16x8.ge_u(seen, i16x8.splat(<i16>0xf800)));
}

/** Four bf16, zero-extended -> f32: the upper half of its bits. */
@inline
function widenBrains(bits: v128): v128 {
  return i32x4.shl(bits, 16);
}

/** Four stored numbers at `at` -> f32. */
@inline
export function loadWide(at: usize, type: i32): v128 {
  if (type == F32) return v128.load(at);
  if (type == F16) return widenHalves(v128.load16x4_s(at));
  return widenBrains(v128.load16x4_u(at));
}

/** As `loadWide` for the first `count` (1 to 3) numbers, zeros behind them. Reads nothing beyond. */
export function loadWidePartial(at: usize, count: i32, type: i32): v128 {
  if (type == F32) return loadLanes(at, count);
  let bits = i32x4.splat(0);
  // Sign or zero extension: f16 needs the one, bf16 shifts the difference out.
  bits = i32x4.replace_lane(bits, 0, load<i16>(at));
  if (count > 1) bits = i32x4.replace_lane(bits, 1, load<i16>(at, 2));
  if (count > 2) bits = i32x4.replace_lane(bits, 2, load<i16>(at, 4));
  return type == BF16 ? widenBrains(bits) : widenHalves(bits);
}

/** Copies `count` stored numbers to f32. */
export function widenRow(to: usize, from: usize, count: i32, type: i32): void {
  if (type == F32) memory.copy(to, from, (<usize>count) << 2);
  else if (type == BF16) widenEights(to, from, count, BF16);
  else if (!widenEights(to, from, count, F16)) {
    // An infinity or a NaN somewhere in the row: once more, with care.
    for (let i = 0; i < (count & ~7); i += 4) v128.store(to + (i << 2), loadWide(from + (i << 1), F16));
  }
}

/** False when an f16 among the whole groups of eight is an infinity or NaN: then these groups are wrong. */
@inline
function widenEights(to: usize, from: usize, count: i32, type: i32): bool {
  const scale = f32x4.splat(REBIAS);
  let seen = i16x8.splat(0);
  for (; count >= 8; count -= 8) {
    const bits = v128.load(from);
    seen = noteHalves(seen, bits, type);
    const lower = lowerHalves(bits, type);
    const upper = upperHalves(bits, type);
    v128.store(to, type == F16 ? f32x4.mul(lower, scale) : lower);
    v128.store(to, type == F16 ? f32x4.mul(upper, scale) : upper, 16);
    from += 16;
    to += 32;
  }
  for (; count > 0; count--) {
    store<f32>(to, f32x4.extract_lane(loadWidePartial(from, 1, type), 0));
    from += 2;
    to += 4;
  }
  return type == BF16 || !isSpecial(seen);
}
