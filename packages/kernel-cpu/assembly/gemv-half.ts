import { F16 } from "./args.ts";
import { loadWide, loadWidePartial } from "./half.ts";
import { finishFour, loadPartial, madd } from "./math.ts";

// The dot products of one row with four rows of f16 or bf16, widened in registers: half the bytes of f32 must not cost
// twice the instructions. The products are summed in the order of the f32 path.

/** Halves 0 to 3 of eight, as f32. For f16 right for numbers only: see dotsFourHalves. */
@inline
function lowHalves(bits: v128, type: i32): v128 {
  return fromUpper(v128.shuffle<i16>(i16x8.splat(0), bits, 0, 8, 1, 9, 2, 10, 3, 11), type);
}

/** Halves 4 to 7. */
@inline
function highHalves(bits: v128, type: i32): v128 {
  return fromUpper(v128.shuffle<i16>(i16x8.splat(0), bits, 4, 12, 5, 13, 6, 14, 7, 15), type);
}

/** The half stands in the upper 16 bits of each lane: for bf16 that is the f32 already; f16 as in `finiteHalves`. */
@inline
function fromUpper(lanes: v128, type: i32): v128 {
  if (type != F16) return lanes;
  const moved = v128.and(i32x4.shr_s(lanes, 3), i32x4.splat(0x8fffe000));
  return f32x4.mul(moved, f32x4.splat(5192296858534827628530496329220096.0));
}

/** The larger of `seen` and the bits without sign, times two. */
@inline
function note(seen: v128, bits: v128, type: i32): v128 {
  return type == F16 ? i16x8.max_u(seen, i16x8.add(bits, bits)) : seen;
}

/**
 * y[0..3] = x · w[0..3] + bias. The f16 loop takes every number as finite and only notes the largest exponent: when that
 * was an infinity or NaN it stores nothing and returns false, and the caller goes the careful way.
 */
@inline
export function dotsFourHalves(
  x: usize,
  w0: usize,
  step: usize,
  count: i32,
  bias: usize,
  y: usize,
  type: i32,
): bool {
  const w1 = w0 + step;
  const w2 = w1 + step;
  const w3 = w2 + step;
  const blocks = <usize>count & ~7;
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let seen = i16x8.splat(0);
  for (let i: usize = 0; i < blocks << 1; i += 16) {
    const a = v128.load(x);
    const b = v128.load(x, 16);
    let w = v128.load(w0 + i);
    seen = note(seen, w, type);
    s0 = madd(b, highHalves(w, type), madd(a, lowHalves(w, type), s0));
    w = v128.load(w1 + i);
    seen = note(seen, w, type);
    s1 = madd(b, highHalves(w, type), madd(a, lowHalves(w, type), s1));
    w = v128.load(w2 + i);
    seen = note(seen, w, type);
    s2 = madd(b, highHalves(w, type), madd(a, lowHalves(w, type), s2));
    w = v128.load(w3 + i);
    seen = note(seen, w, type);
    s3 = madd(b, highHalves(w, type), madd(a, lowHalves(w, type), s3));
    x += 32;
  }
  if (type == F16 && v128.any_true(i16x8.ge_u(seen, i16x8.splat(<i16>0xf800)))) return false;
  for (let i = blocks; i < <usize>count; i += 4) {
    const rest = min(count - <i32>i, 4);
    const a = rest == 4 ? v128.load(x) : loadPartial(x, rest);
    const at = i << 1;
    s0 = madd(a, loadFew(w0 + at, rest, type), s0);
    s1 = madd(a, loadFew(w1 + at, rest, type), s1);
    s2 = madd(a, loadFew(w2 + at, rest, type), s2);
    s3 = madd(a, loadFew(w3 + at, rest, type), s3);
    x += 16;
  }
  finishFour(s0, s1, s2, s3, bias, y);
  return true;
}

/** One to four stored halves, zeros behind them. */
@inline
function loadFew(at: usize, count: i32, type: i32): v128 {
  return count == 4 ? loadWide(at, type) : loadWidePartial(at, count, type);
}
