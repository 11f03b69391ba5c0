import { madd } from "../lanes.ts";
import { IQ4_NL, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0 } from "../records.ts";
import { blockColumns, codeBytes, hasByteCodes, highBytes, hasHighBits, hasMins, highPlane, isScaled } from "./layout.ts";
import { blockSum } from "./quantizedTile.ts";
import { evenCodes, lowerCodes, minOf, oddCodes, scaleOf, upperCodes } from "./widen.ts";

// The products of one row of x with groups of the weight, whose codes are converted in registers. Two groups go by together: they share
// the loads of x, and memory is read as two streams for each of the planes.

/** y[0..3] = the products with the group at w0, y[4..7] = with the group at w1, without a bias. */
export function singleRow(w0: usize, w1: usize, x: usize, columns: i32, y: usize, type: i32): void {
  if (type == Q8_0) products(w0, w1, x, columns, y, Q8_0);
  else if (type == Q4_0) products(w0, w1, x, columns, y, Q4_0);
  else if (type == Q4_1) products(w0, w1, x, columns, y, Q4_1);
  else if (type == Q5_0) products(w0, w1, x, columns, y, Q5_0);
  else if (type == Q5_1) products(w0, w1, x, columns, y, Q5_1);
  else products(w0, w1, x, columns, y, IQ4_NL);
}

@inline
function products(w0: usize, w1: usize, x: usize, columns: i32, y: usize, type: i32): void {
  const blocks = columns / blockColumns(type);
  const high = highPlane(type, blocks);
  let facts = x + ((<usize>columns) << 1);
  let f = f32x4.splat(0);
  let g = f;
  let code: usize = 0;
  for (let block = 0; block < blocks; block++) {
    let s = v128.load32_splat(facts, 4);
    let t = s;
    let h0 = s;
    let h1 = s;
    if (hasHighBits(type)) {
      h0 = v128.load(w0 + high + <usize>block * highBytes(type));
      h1 = v128.load(w1 + high + <usize>block * highBytes(type));
    }
    const stop = code + codeBytes(type);
    while (code != stop) {
      const a = v128.load32_splat(x);
      const b = v128.load32_splat(x, 4);
      const c = v128.load32_splat(x, 8);
      const d = v128.load32_splat(x, 12);
      s = addWord(v128.load(w0 + code), h0, a, b, c, d, s, type);
      t = addWord(v128.load(w1 + code), h1, a, b, c, d, t, type);
      if (hasByteCodes(type)) {
        s = addBytes(v128.load(w0 + code, 16), c, d, s);
        t = addBytes(v128.load(w1 + code, 16), c, d, t);
        code += 16;
      }
      if (hasHighBits(type)) {
        h0 = i32x4.shr_u(h0, 2);
        h1 = i32x4.shr_u(h1, 2);
      }
      x += 16;
      code += 16;
    }
    const dx = v128.load32_splat(facts);
    f = blockSum(s, dx, scaleOf(w0, blocks, block, type), f);
    g = blockSum(t, dx, scaleOf(w1, blocks, block, type), g);
    if (hasMins(type)) {
      const sum = v128.load32_splat(facts, 8);
      f = madd(sum, minOf(w0, blocks, block, type), f);
      g = madd(sum, minOf(w1, blocks, block, type), g);
    }
    facts += 12;
  }
  v128.store(y, f);
  v128.store(y, g, 16);
}

/** s + the products of one word of each row; of byte codes that is the pairs a and b. */
@inline
function addWord(word: v128, high: v128, a: v128, b: v128, c: v128, d: v128, s: v128, type: i32): v128 {
  if (hasByteCodes(type)) return addBytes(word, a, b, s);
  if (isScaled(type)) {
    s = i32x4.add(s, i32x4.dot_i16x8_s(v128.and(word, i16x8.splat(15)), a));
    s = i32x4.add(s, i32x4.dot_i16x8_s(v128.and(word, i16x8.splat(240)), b));
    s = i32x4.add(s, i32x4.dot_i16x8_s(v128.and(word, i16x8.splat(3840)), c));
    return i32x4.add(s, i32x4.dot_i16x8_s(i16x8.shr_u(word, 12), d));
  }
  const lower = lowerCodes(word, high, type);
  const upper = upperCodes(word, high, type);
  s = addBytes(lower, a, c, s);
  return addBytes(upper, b, d, s);
}

@inline
function addBytes(codes: v128, even: v128, odd: v128, s: v128): v128 {
  s = i32x4.add(s, i32x4.dot_i16x8_s(evenCodes(codes), even));
  return i32x4.add(s, i32x4.dot_i16x8_s(oddCodes(codes), odd));
}
