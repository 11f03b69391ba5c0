// The codes of a block of q6_k: 16 columns of four rows in three words for each row. The 16-bit lanes of words 0, 1 and 2 hold
//
//   word 0   pair 0 in bits 0 to 5, pair 1 in bits 6 to 11, the four lower bits of pair 6 in bits 12 to 15
//   word 1   pair 2, pair 3, the four lower bits of pair 7
//   word 2   pair 4, pair 5, the two upper bits of pair 6 in bits 12 and 13, those of pair 7 in bits 14 and 15
//
// so that most pairs need one mask. A mask leaves pairs 1, 3 and 5 times 64. The pairs are those of layout.ts: the words of the
// columns 4m to 4m + 3 of a row hold pairs 0 and 2 (m = 0), 4 and 6 (m = 1), 1 and 3 (m = 2), 5 and 7 (m = 3).

//
// The build with relaxed SIMD multiplies bytes (see multipliesBytes). There byte j of word m of a row holds column 4m + j in bits 0 to 5,
// and in bits 6 and 7 two bits of column 12 + j, the lower ones in word 0: a mask leaves three quarters of the columns.

const EVEN: u32 = 0x003f003f;
const NIBBLE: u32 = 0x000f000f;
const UPPER: u32 = 0x00030003;
const BYTES: u32 = 0x3f3f3f3f;
const TWO_BITS: u32 = 0x03030303;

/** Stores the codes of one row, given as four words of four columns each. */
export function packSixBits(code: usize, m0: u32, m1: u32, m2: u32, m3: u32): void {
  if (ASC_FEATURE_RELAXED_SIMD) {
    store<u32>(code, m0 | ((m3 & TWO_BITS) << 6));
    store<u32>(code, m1 | (((m3 >> 2) & TWO_BITS) << 6), 16);
    store<u32>(code, m2 | (((m3 >> 4) & TWO_BITS) << 6), 32);
    return;
  }
  const p6 = (m1 >> 8) & EVEN;
  const p7 = (m3 >> 8) & EVEN;
  store<u32>(code, (m0 & EVEN) | ((m2 & EVEN) << 6) | ((p6 & NIBBLE) << 12));
  store<u32>(code, ((m0 >> 8) & EVEN) | (((m2 >> 8) & EVEN) << 6) | ((p7 & NIBBLE) << 12), 16);
  const upper = (((p6 >> 4) & UPPER) << 12) | (((p7 >> 4) & UPPER) << 14);
  store<u32>(code, (m1 & EVEN) | ((m3 & EVEN) << 6) | upper, 32);
}

/** The codes of columns 4m to 4m + 3 of one row. */
export function unpackSixBits(code: usize, m: i32): u32 {
  if (ASC_FEATURE_RELAXED_SIMD) {
    if (m < 3) return load<u32>(code + (<usize>m << 4)) & BYTES;
    const first = (load<u32>(code) >> 6) & TWO_BITS;
    const next = (load<u32>(code, 16) >> 6) & TWO_BITS;
    return first | (next << 2) | (((load<u32>(code, 32) >> 6) & TWO_BITS) << 4);
  }
  const shift: u32 = m > 1 ? 6 : 0;
  const w2 = load<u32>(code, 32);
  if (!(m & 1)) return ((load<u32>(code) >> shift) & EVEN) | (((load<u32>(code, 16) >> shift) & EVEN) << 8);
  const w = m == 1 ? load<u32>(code) : load<u32>(code, 16);
  const odd = ((w >> 12) & NIBBLE) | (((w2 >> (m == 1 ? 12 : 14)) & UPPER) << 4);
  return ((w2 >> shift) & EVEN) | (odd << 8);
}

/** The two pairs whose bits are in two words: the lower ones in bits 12 to 15 of `word`, the upper ones from bit `from` on. */
@inline
function splitPair(word: v128, upper: v128, from: i32, mask: v128): v128 {
  return v128.or(i16x8.shr_u(word, 12), v128.and(i16x8.shr_u(upper, from - 4), mask));
}

/** Stores the pairs of one block, `apart` bytes apart. */
export function widenSixBits(code: usize, to: usize, apart: usize): void {
  const six = i16x8.splat(63);
  const second = i16x8.splat(63 << 6);
  const mask = i16x8.splat(48);
  if (ASC_FEATURE_RELAXED_SIMD) {
    const top = i8x16.splat(-64);
    const m0 = sixBits(code, 0, top);
    const m1 = sixBits(code, 1, top);
    const m2 = sixBits(code, 2, top);
    const m3 = sixBits(code, 3, top);
    v128.store(to, v128.and(m0, six));
    v128.store(to + apart, i16x8.shl(v128.and(m2, six), 6));
    v128.store(to + 2 * apart, i16x8.shr_u(m0, 8));
    v128.store(to + 3 * apart, i16x8.shl(i16x8.shr_u(m2, 8), 6));
    v128.store(to + 4 * apart, v128.and(m1, six));
    v128.store(to + 5 * apart, i16x8.shl(v128.and(m3, six), 6));
    v128.store(to + 6 * apart, i16x8.shr_u(m1, 8));
    v128.store(to + 7 * apart, i16x8.shr_u(m3, 8));
    return;
  }
  const u = v128.load(code);
  const v = v128.load(code, 16);
  const w = v128.load(code, 32);
  v128.store(to, v128.and(u, six));
  v128.store(to + apart, v128.and(u, second));
  v128.store(to + 2 * apart, v128.and(v, six));
  v128.store(to + 3 * apart, v128.and(v, second));
  v128.store(to + 4 * apart, v128.and(w, six));
  v128.store(to + 5 * apart, v128.and(w, second));
  v128.store(to + 6 * apart, splitPair(u, w, 12, mask));
  v128.store(to + 7 * apart, splitPair(v, w, 14, mask));
}

/** The codes of columns 4m to 4m + 3 of the four rows, in the build with relaxed SIMD. The mask is bytes of 192. */
@inline
export function sixBits(code: usize, m: usize, top: v128): v128 {
  if (m < 3) return v128.andnot(v128.load(code + (m << 4)), top);
  const first = i16x8.shr_u(v128.and(v128.load(code), top), 6);
  const next = i16x8.shr_u(v128.and(v128.load(code, 16), top), 4);
  return v128.or(v128.or(first, next), i16x8.shr_u(v128.and(v128.load(code, 32), top), 2));
}

/** s + the products of one block with the pairs of one row of x. The masks are 16-bit lanes of 63, 63 << 6 and 48. */
@inline
export function addSixBits(
  code: usize,
  x: usize,
  six: v128,
  second: v128,
  mask: v128,
  s: v128,
): v128 {
  const u = v128.load(code);
  const v = v128.load(code, 16);
  const w = v128.load(code, 32);
  s = i32x4.add(s, i32x4.dot_i16x8_s(v128.and(u, six), v128.load32_splat(x)));
  s = i32x4.add(s, i32x4.dot_i16x8_s(v128.and(u, second), v128.load32_splat(x, 4)));
  s = i32x4.add(s, i32x4.dot_i16x8_s(v128.and(v, six), v128.load32_splat(x, 8)));
  s = i32x4.add(s, i32x4.dot_i16x8_s(v128.and(v, second), v128.load32_splat(x, 12)));
  s = i32x4.add(s, i32x4.dot_i16x8_s(v128.and(w, six), v128.load32_splat(x, 16)));
  s = i32x4.add(s, i32x4.dot_i16x8_s(v128.and(w, second), v128.load32_splat(x, 20)));
  s = i32x4.add(s, i32x4.dot_i16x8_s(splitPair(u, w, 12, mask), v128.load32_splat(x, 24)));
  return i32x4.add(s, i32x4.dot_i16x8_s(splitPair(v, w, 14, mask), v128.load32_splat(x, 28)));
}
