import { finishFour, loadPartial, madd, sumLanes } from "./lanes.ts";

// Dot products of rows of f32. In every function here lane j of a sum adds the products with k = j (mod 4) in ascending order,
// so that a result does not depend on the results that are computed with it.

/** x · weight over `count` numbers. */
export function dot(x: usize, weight: usize, count: i32): f32 {
  const rest = count & 3;
  const whole: usize = (count - rest) << 2;
  let sum = f32x4.splat(0);
  for (let i: usize = 0; i < whole; i += 16) sum = madd(v128.load(x + i), v128.load(weight + i), sum);
  if (rest) sum = madd(loadPartial(x + whole, rest), loadPartial(weight + whole, rest), sum);
  return sumLanes(sum);
}

/** y[j] = x · w[j] + addend[j] for four rows w, `step` bytes apart; y and the addends are `apart` bytes apart, no addend is 0. */
export function dotsFour(
  x: usize,
  w0: usize,
  step: usize,
  count: i32,
  addend: usize,
  y: usize,
  apart: usize,
): void {
  const w1 = w0 + step;
  const w2 = w1 + step;
  const w3 = w2 + step;
  const rest = count & 3;
  const whole: usize = (count - rest) << 2;
  const pairs: usize = whole & ~31;
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let i: usize = 0;
  for (; i < pairs; i += 32) {
    const a = v128.load(x + i);
    const b = v128.load(x + i, 16);
    s0 = madd(a, v128.load(w0 + i), s0);
    s1 = madd(a, v128.load(w1 + i), s1);
    s2 = madd(a, v128.load(w2 + i), s2);
    s3 = madd(a, v128.load(w3 + i), s3);
    s0 = madd(b, v128.load(w0 + i, 16), s0);
    s1 = madd(b, v128.load(w1 + i, 16), s1);
    s2 = madd(b, v128.load(w2 + i, 16), s2);
    s3 = madd(b, v128.load(w3 + i, 16), s3);
  }
  for (; i < whole; i += 16) {
    const a = v128.load(x + i);
    s0 = madd(a, v128.load(w0 + i), s0);
    s1 = madd(a, v128.load(w1 + i), s1);
    s2 = madd(a, v128.load(w2 + i), s2);
    s3 = madd(a, v128.load(w3 + i), s3);
  }
  if (rest) {
    const a = loadPartial(x + i, rest);
    s0 = madd(a, loadPartial(w0 + i, rest), s0);
    s1 = madd(a, loadPartial(w1 + i, rest), s1);
    s2 = madd(a, loadPartial(w2 + i, rest), s2);
    s3 = madd(a, loadPartial(w3 + i, rest), s3);
  }
  finishFour(s0, s1, s2, s3, addend, y, apart);
}

/**
 * dotsFour for two rows x. Eight sums and six operands fill the sixteen registers of x86; a larger tile, or two steps of k at a
 * time, spills registers.
 */
export function dotsTwoByFour(
  x: usize,
  xStep: usize,
  w0: usize,
  step: usize,
  count: i32,
  addend: usize,
  addendStep: usize,
  y: usize,
  yStep: usize,
  apart: usize,
): void {
  const x1 = x + xStep;
  const w1 = w0 + step;
  const w2 = w1 + step;
  const w3 = w2 + step;
  const rest = count & 3;
  const whole: usize = (count - rest) << 2;
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let t0 = s0;
  let t1 = s0;
  let t2 = s0;
  let t3 = s0;
  let i: usize = 0;
  for (; i < whole; i += 16) {
    const a = v128.load(x + i);
    const b = v128.load(x1 + i);
    let w = v128.load(w0 + i);
    s0 = madd(a, w, s0);
    t0 = madd(b, w, t0);
    w = v128.load(w1 + i);
    s1 = madd(a, w, s1);
    t1 = madd(b, w, t1);
    w = v128.load(w2 + i);
    s2 = madd(a, w, s2);
    t2 = madd(b, w, t2);
    w = v128.load(w3 + i);
    s3 = madd(a, w, s3);
    t3 = madd(b, w, t3);
  }
  if (rest) {
    const a = loadPartial(x + i, rest);
    const b = loadPartial(x1 + i, rest);
    let w = loadPartial(w0 + i, rest);
    s0 = madd(a, w, s0);
    t0 = madd(b, w, t0);
    w = loadPartial(w1 + i, rest);
    s1 = madd(a, w, s1);
    t1 = madd(b, w, t1);
    w = loadPartial(w2 + i, rest);
    s2 = madd(a, w, s2);
    t2 = madd(b, w, t2);
    w = loadPartial(w3 + i, rest);
    s3 = madd(a, w, s3);
    t3 = madd(b, w, t3);
  }
  finishFour(s0, s1, s2, s3, addend, y, apart);
  finishFour(t0, t1, t2, t3, addend + addendStep, y + yStep, apart);
}
