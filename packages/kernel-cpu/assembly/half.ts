import { BF16, F16, F32 } from "./args.ts";
import { loadLanes } from "./math.ts";

// Halves become f32 in registers, exactly: every f16 and bf16 number, infinity and NaN is also an f32.

/** Bytes of one element of a storage type. */
@inline
export function elementBytes(type: i32): usize {
  return type == F32 ? 4 : 2;
}

/**
 * Four sign-extended f16 -> f32, right for numbers only (subnormals too): an infinity or NaN becomes a number of size
 * 2^16 to 2^17. Exponent and mantissa move to their place, and 2^112 makes up for the difference of the biases.
 */
@inline
export function finiteHalves(bits: v128): v128 {
  // The sign fills the bits above the exponent after the shift; the mask keeps one copy of it.
  const moved = v128.and(i32x4.shl(bits, 13), i32x4.splat(0x8fffe000));
  return f32x4.mul(moved, f32x4.splat(5192296858534827628530496329220096.0));
}

/** Four sign-extended f16 -> f32. */
@inline
export function widenHalves(bits: v128): v128 {
  const value = finiteHalves(bits);
  // 2^16 and more can only come from exponent 31: f32's all-ones exponent makes the same infinity or NaN of it.
  const special = f32x4.ge(f32x4.abs(value), f32x4.splat(65536.0));
  return v128.or(value, v128.and(special, i32x4.splat(0x7f800000)));
}

/** Four bf16, zero-extended -> f32: the upper half of its bits. */
@inline
export function widenBrains(bits: v128): v128 {
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
  if (type == F32) {
    memory.copy(to, from, (<usize>count) << 2);
    return;
  }
  const whole = count & ~3;
  let i = 0;
  if (type == F16) {
    for (; i < whole; i += 4) v128.store(to + (i << 2), widenHalves(v128.load16x4_s(from + (i << 1))));
  } else {
    for (; i < whole; i += 4) v128.store(to + (i << 2), widenBrains(v128.load16x4_u(from + (i << 1))));
  }
  for (; i < count; i++) {
    const lane = loadWidePartial(from + (i << 1), 1, type);
    store<f32>(to + (i << 2), f32x4.extract_lane(lane, 0));
  }
}
