import { madd } from "../lanes.ts";
import { IQ4_NL, Q4_0, Q4_1, Q4_K, Q5_0, Q5_1, Q5_K, Q6_K, Q8_0 } from "../records.ts";
import { dotBytes, scaledSum } from "./byteProducts.ts";
import {
  blockColumns,
  blocksPerScale,
  codeBytes,
  hasByteCodes,
  hasHighBits,
  hasMins,
  highBytes,
  highPlane,
  isK,
  isScaled,
  multipliesBytes,
  scaleBytes,
  scalePlane,
} from "./layout.ts";
import { blockSum } from "./quantizedTile.ts";
import { addSixBits, sixBits } from "./sixBits.ts";
import { CONSTANTS, lowerCodes, smallScales, upperCodes, widenScales } from "./widen.ts";

// The products of one row of x with groups of the weight, whose codes are converted in registers. Two groups go by together: they share
// the loads of x, and memory is read as two streams for each of the planes.

/** y[0..3] = the products with the group at w0, y[4..7] = with the group at w1, without a bias. */
export function singleRow(w0: usize, w1: usize, x: usize, columns: i32, y: usize, type: i32): void {
  if (type == Q8_0) products<OfQ80>(w0, w1, x, columns, y);
  else if (type == Q4_0) products<OfQ40>(w0, w1, x, columns, y);
  else if (type == Q4_1) products<OfQ41>(w0, w1, x, columns, y);
  else if (type == Q5_0) products<OfQ50>(w0, w1, x, columns, y);
  else if (type == Q5_1) products<OfQ51>(w0, w1, x, columns, y);
  else if (type == Q4_K) products<OfQ4K>(w0, w1, x, columns, y);
  else if (type == Q5_K) products<OfQ5K>(w0, w1, x, columns, y);
  else if (type == Q6_K) products<OfQ6K>(w0, w1, x, columns, y);
  else products<OfIQ4>(w0, w1, x, columns, y);
}

// The storage type as a type parameter: then each type has a loop of its own, without branches.

@unmanaged
@final
class OfQ80 {
  @inline
  type(): i32 {
    return Q8_0;
  }
}

@unmanaged
@final
class OfQ40 {
  @inline
  type(): i32 {
    return Q4_0;
  }
}

@unmanaged
@final
class OfQ41 {
  @inline
  type(): i32 {
    return Q4_1;
  }
}

@unmanaged
@final
class OfQ50 {
  @inline
  type(): i32 {
    return Q5_0;
  }
}

@unmanaged
@final
class OfQ51 {
  @inline
  type(): i32 {
    return Q5_1;
  }
}

@unmanaged
@final
class OfIQ4 {
  @inline
  type(): i32 {
    return IQ4_NL;
  }
}

@unmanaged
@final
class OfQ4K {
  @inline
  type(): i32 {
    return Q4_K;
  }
}

@unmanaged
@final
class OfQ5K {
  @inline
  type(): i32 {
    return Q5_K;
  }
}

@unmanaged
@final
class OfQ6K {
  @inline
  type(): i32 {
    return Q6_K;
  }
}

function products<T>(w0: usize, w1: usize, x: usize, columns: i32, y: usize): void {
  const type = changetype<T>(0).type();
  const low = v128.load32_splat(CONSTANTS);
  const nibble = i16x8.shr_u(low, 8);
  const second = i16x8.shl(nibble, 4);
  const third = i16x8.shl(nibble, 8);
  const byte = v128.or(nibble, second);
  const fifth = i8x16.add(low, i8x16.splat(1));
  const six = v128.load32_splat(CONSTANTS, 20);
  const nextSix = i16x8.shl(six, 6);
  const upperTwo = v128.and(six, i16x8.shl(six, 4));
  const top = v128.not(v128.or(six, i16x8.shl(six, 8)));
  const blocks = columns / blockColumns(type);
  let high0 = w0 + highPlane(type, blocks);
  let high1 = w1 + highPlane(type, blocks);
  let scales0 = w0 + scalePlane(type, blocks);
  let scales1 = w1 + scalePlane(type, blocks);
  let facts = x + ((<usize>columns) << 1);
  let f = f32x4.splat(0);
  let g = f;
  // d, and -dmin, of a K type for the next blocks.
  let d0 = f;
  let d1 = f;
  let m0 = f;
  let m1 = f;
  let left = 0;
  const end = facts + <usize>blocks * 12;
  while (facts != end) {
    let s = v128.load32_splat(facts, 4);
    let t = s;
    let h0 = s;
    let h1 = s;
    if (hasHighBits(type)) {
      h0 = v128.load(high0);
      h1 = v128.load(high1);
      high0 += highBytes(type);
      high1 += highBytes(type);
    }
    const stop = w0 + codeBytes(type);
    if (multipliesBytes(type)) {
      // Two products of bytes and their sum are 16-bit integers. Sums of 8 of 4-bit codes, 4 of 5-bit codes or 2 of 6-bit codes fit.
      let p = i16x8.splat(0);
      let q = p;
      let r = p;
      let o = p;
      if (type == Q6_K) {
        const a = v128.load32_splat(x);
        const b = v128.load32_splat(x, 4);
        const c = v128.load32_splat(x, 8);
        const d = v128.load32_splat(x, 12);
        p = i16x8.add(dotBytes(a, sixBits(w0, 0, top)), dotBytes(b, sixBits(w0, 1, top)));
        r = i16x8.add(dotBytes(a, sixBits(w1, 0, top)), dotBytes(b, sixBits(w1, 1, top)));
        q = i16x8.add(dotBytes(c, sixBits(w0, 2, top)), dotBytes(d, sixBits(w0, 3, top)));
        o = i16x8.add(dotBytes(c, sixBits(w1, 2, top)), dotBytes(d, sixBits(w1, 3, top)));
        w0 = stop;
        w1 += codeBytes(type);
        x += 16;
      } else {
        while (w0 != stop) {
          const a = v128.load32_splat(x);
          const b = v128.load32_splat(x, 16);
          const u = v128.load(w0);
          const v = v128.load(w1);
          p = i16x8.add(p, dotBytes(a, lowerCodes(u, h0, low, fifth, type)));
          r = i16x8.add(r, dotBytes(a, lowerCodes(v, h1, low, fifth, type)));
          if (isScaled(type)) {
            p = i16x8.add(p, dotBytes(b, upperCodes(u, h0, low, fifth, type)));
            r = i16x8.add(r, dotBytes(b, upperCodes(v, h1, low, fifth, type)));
          } else {
            q = i16x8.add(q, dotBytes(b, upperCodes(u, h0, low, fifth, type)));
            o = i16x8.add(o, dotBytes(b, upperCodes(v, h1, low, fifth, type)));
          }
          if (hasHighBits(type)) {
            h0 = i32x4.shr_u(h0, 2);
            h1 = i32x4.shr_u(h1, 2);
          }
          w0 += 16;
          w1 += 16;
          x += 4;
        }
        x += 16;
      }
      s = v128.load32_splat(facts, 4);
      t = i32x4.add(s, scaledSum(r, o, type));
      s = i32x4.add(s, scaledSum(p, q, type));
    } else if (type == Q6_K) {
      s = addSixBits(w0, x, six, nextSix, upperTwo, s);
      t = addSixBits(w1, x, six, nextSix, upperTwo, t);
      w0 = stop;
      w1 += codeBytes(type);
      x += 32;
    }
    while (type != Q6_K && !multipliesBytes(type) && w0 != stop) {
      const a = v128.load32_splat(x);
      const b = v128.load32_splat(x, 4);
      const c = v128.load32_splat(x, 8);
      const d = v128.load32_splat(x, 12);
      const u = v128.load(w0);
      const v = v128.load(w1);
      if (hasByteCodes(type)) {
        s = addBytes(u, byte, a, b, s);
        t = addBytes(v, byte, a, b, t);
        s = addBytes(v128.load(w0, 16), byte, c, d, s);
        t = addBytes(v128.load(w1, 16), byte, c, d, t);
        w0 += 32;
        w1 += 32;
      } else if (isScaled(type)) {
        s = addScaled(u, nibble, second, third, a, b, c, d, s);
        t = addScaled(v, nibble, second, third, a, b, c, d, t);
        w0 += 16;
        w1 += 16;
      } else {
        s = addBytes(lowerCodes(u, h0, low, fifth, type), byte, a, c, s);
        t = addBytes(lowerCodes(v, h1, low, fifth, type), byte, a, c, t);
        s = addBytes(upperCodes(u, h0, low, fifth, type), byte, b, d, s);
        t = addBytes(upperCodes(v, h1, low, fifth, type), byte, b, d, t);
        w0 += 16;
        w1 += 16;
      }
      if (hasHighBits(type)) {
        h0 = i32x4.shr_u(h0, 2);
        h1 = i32x4.shr_u(h1, 2);
      }
      x += 16;
    }
    const dx = v128.load32_splat(facts);
    if (isK(type)) {
      if (left == 0) {
        left = blocksPerScale(type);
        d0 = widenScales(scales0);
        d1 = widenScales(scales1);
        if (hasMins(type)) {
          m0 = f32x4.neg(widenScales(scales0 + 8));
          m1 = f32x4.neg(widenScales(scales1 + 8));
        }
        scales0 += hasMins(type) ? 16 : 8;
        scales1 += hasMins(type) ? 16 : 8;
      }
      left--;
      f = blockSum(s, dx, f32x4.mul(d0, smallScales(scales0, type)), f);
      g = blockSum(t, dx, f32x4.mul(d1, smallScales(scales1, type)), g);
      if (hasMins(type)) {
        const sum = v128.load32_splat(facts, 8);
        f = madd(sum, f32x4.mul(m0, smallScales(scales0 + 4, type)), f);
        g = madd(sum, f32x4.mul(m1, smallScales(scales1 + 4, type)), g);
      }
      scales0 += scaleBytes(type);
      scales1 += scaleBytes(type);
      facts += 12;
      continue;
    }
    f = blockSum(s, dx, widenScales(scales0), f);
    g = blockSum(t, dx, widenScales(scales1), g);
    if (hasMins(type)) {
      const sum = v128.load32_splat(facts, 8);
      f = madd(sum, widenScales(scales0 + 8), f);
      g = madd(sum, widenScales(scales1 + 8), g);
    }
    scales0 += scaleBytes(type);
    scales1 += scaleBytes(type);
    facts += 12;
  }
  v128.store(y, f);
  v128.store(y, g, 16);
}

/** s + the products of one word of nibbles of each row. */
@inline
function addScaled(word: v128, first: v128, second: v128, third: v128, a: v128, b: v128, c: v128, d: v128, s: v128): v128 {
  s = i32x4.add(s, i32x4.dot_i16x8_s(v128.and(word, first), a));
  s = i32x4.add(s, i32x4.dot_i16x8_s(v128.and(word, second), b));
  s = i32x4.add(s, i32x4.dot_i16x8_s(v128.and(word, third), c));
  return i32x4.add(s, i32x4.dot_i16x8_s(i16x8.shr_u(word, 12), d));
}

/** s + the products of four codes of each row, one in each byte. */
@inline
function addBytes(codes: v128, byte: v128, even: v128, odd: v128, s: v128): v128 {
  s = i32x4.add(s, i32x4.dot_i16x8_s(v128.and(codes, byte), even));
  return i32x4.add(s, i32x4.dot_i16x8_s(i16x8.shr_u(codes, 8), odd));
}
