import { isSpecial, loadWide, loadWidePartial, lowerHalves, noteHalves, upperHalves } from "./half.ts";
import { finishFour, loadPartial, madd } from "./lanes.ts";
import { F16, F16_PACKED } from "./records.ts";

// The dot products of one row with four rows of f16, packed f16 or bf16, which are converted to f32 in registers with few instructions. The
// products and their order are those of the f32 path, bit for bit.

/** 2^127 */
const LARGEST: f32 = 170141183460469231731687303715884105728.0;

/** Writes x times `factor` to `to`, so that f16 weights need no scaling. Returns false when a product may be 2^127 or more. */
export function scaleRow(to: usize, x: usize, count: i32, factor: f32): bool {
  const scale = f32x4.splat(factor);
  let largest = f32x4.splat(0);
  const whole = (<usize>count & ~3) << 2;
  for (let i: usize = 0; i < whole; i += 16) {
    const lanes = v128.load(x + i);
    largest = f32x4.pmax(f32x4.abs(lanes), largest);
    v128.store(to + i, f32x4.mul(lanes, scale));
  }
  // pmax loses a NaN at the next number. That is harmless: NaN times the scale is NaN.
  return i32x4.all_true(f32x4.lt(f32x4.mul(largest, scale), f32x4.splat(LARGEST)));
}

/**
 * y[0..3] = x · w[0..3] + bias, where `scaled` is x times 2^112 for f16, times 2^102 for packed f16, and x itself for bf16. The
 * loop for f16 takes every weight as finite and records the largest exponent: when one was an infinity or NaN it stores nothing
 * and returns false, and the caller must use the exact conversion.
 */
@inline
export function dotsFourHalves(
  x: usize,
  scaled: usize,
  w0: usize,
  step: usize,
  apart: usize,
  count: i32,
  bias: usize,
  y: usize,
  type: i32,
): bool {
  const w1 = w0 + step;
  const w2 = w1 + step;
  const w3 = w2 + step;
  const whole = <usize>count & ~7;
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let seen = i16x8.splat(0);
  for (let i: usize = 0; i < whole << 1; i += 16) {
    const a = v128.load(scaled);
    const b = v128.load(scaled, 16);
    let w = v128.load(w0 + i);
    seen = noteHalves(seen, w, type);
    s0 = madd(b, upperHalves(w, type), madd(a, lowerHalves(w, type), s0));
    w = v128.load(w1 + i);
    seen = noteHalves(seen, w, type);
    s1 = madd(b, upperHalves(w, type), madd(a, lowerHalves(w, type), s1));
    w = v128.load(w2 + i);
    seen = noteHalves(seen, w, type);
    s2 = madd(b, upperHalves(w, type), madd(a, lowerHalves(w, type), s2));
    w = v128.load(w3 + i);
    seen = noteHalves(seen, w, type);
    s3 = madd(b, upperHalves(w, type), madd(a, lowerHalves(w, type), s3));
    scaled += 32;
  }
  if (type == F16 && isSpecial(seen)) return false;
  x += whole << 2;
  for (let i = whole; i < <usize>count; i += 4) {
    const rest = min(count - <i32>i, 4);
    const a = rest == 4 ? v128.load(x) : loadPartial(x, rest);
    const at = i << 1;
    s0 = madd(a, loadFew(w0 + at, rest, type), s0);
    s1 = madd(a, loadFew(w1 + at, rest, type), s1);
    s2 = madd(a, loadFew(w2 + at, rest, type), s2);
    s3 = madd(a, loadFew(w3 + at, rest, type), s3);
    x += 16;
  }
  finishFour(s0, s1, s2, s3, bias, y, apart);
  return true;
}

/** Loads one to four stored halves, then zeros. */
@inline
function loadFew(at: usize, count: i32, type: i32): v128 {
  return count == 4 ? loadWide(at, type) : loadWidePartial(at, count, type);
}
