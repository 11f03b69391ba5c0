import { IQ4_NL, Q6_K } from "../records.ts";
import {
  blocksPerScale,
  codeBytes,
  hasByteCodes,
  hasHighBits,
  hasMins,
  highBytes,
  isK,
  isScaled,
  scaleBytes,
  scalePlane,
  superBytes,
} from "./layout.ts";
import { widenSixBits } from "./sixBits.ts";

// The codes of one block of a group as 16-bit integers, and its scales as f32. See layout.ts for the order.

/**
 * V8 makes a constant of 16 bytes anew at each use, with three instructions; those from memory stay in registers or on the stack. Here
 * are 16 x 15 in bytes, the constants of widenScales, and 8 x 63 in 16-bit lanes.
 */
export const CONSTANTS = memory.data<u32>([0x0f0f0f0f, 0x8fffe000, 0x77800000, 0x47800000, 0x7f800000, 0x003f003f]);

/** The values of iq4_nl plus 128. */
@inline
export function iq4Values(): v128 {
  return i8x16(1, 24, 45, 63, 79, 93, 106, 118, -127, -115, -103, -90, -75, -59, -39, -15);
}

/**
 * Codes of columns 4i to 4i + 3, one byte each, from a word of nibbles; `high` is shifted so that their high bits begin at bit 0.
 * `low` is bytes of 15, `fifth` bytes of 16.
 */
@inline
export function lowerCodes(word: v128, high: v128, low: v128, fifth: v128, type: i32): v128 {
  const codes = v128.and(word, low);
  if (type == IQ4_NL) return i8x16.swizzle(iq4Values(), codes);
  return hasHighBits(type) ? v128.or(codes, v128.and(i32x4.shl(high, 4), fifth)) : codes;
}

/** Codes of the columns half a block later; the parameters are those of lowerCodes. */
@inline
export function upperCodes(word: v128, high: v128, low: v128, fifth: v128, type: i32): v128 {
  const codes = v128.and(i16x8.shr_u(word, 4), low);
  if (type == IQ4_NL) return i8x16.swizzle(iq4Values(), codes);
  return hasHighBits(type) ? v128.or(codes, v128.and(i32x4.shl(high, 3), fifth)) : codes;
}

/** Stores the pairs of `count` blocks, which follow each other in the planes of a group, `apart` bytes apart. */
export function widenBlocks(code: usize, high: usize, to: usize, apart: usize, count: i32, type: i32): void {
  if (type == Q6_K) {
    for (let block = 0; block < count; block++) {
      widenSixBits(code, to, apart);
      code += codeBytes(type);
      to += apart << 3;
    }
    return;
  }
  const low = v128.load32_splat(CONSTANTS);
  const nibble = i16x8.shr_u(low, 8);
  const second = i16x8.shl(nibble, 4);
  const byte = v128.or(nibble, second);
  const end = code + <usize>count * codeBytes(type);
  if (hasByteCodes(type)) {
    for (; code < end; code += 16) {
      const word = v128.load(code);
      v128.store(to, v128.and(word, byte));
      v128.store(to + apart, i16x8.shr_u(word, 8));
      to += apart << 1;
    }
    return;
  }
  if (isScaled(type)) {
    const third = i16x8.shl(nibble, 8);
    for (; code < end; code += 16) {
      const word = v128.load(code);
      v128.store(to, v128.and(word, nibble));
      v128.store(to + apart, v128.and(word, second));
      v128.store(to + 2 * apart, v128.and(word, third));
      v128.store(to + 3 * apart, i16x8.shr_u(word, 12));
      to += apart << 2;
    }
    return;
  }
  const fifth = i8x16.add(low, i8x16.splat(1));
  while (code < end) {
    let bits = hasHighBits(type) ? v128.load(high) : low;
    high += highBytes(type);
    for (const stop = code + codeBytes(type); code < stop; code += 16) {
      const word = v128.load(code);
      const first = lowerCodes(word, bits, low, fifth, type);
      const last = upperCodes(word, bits, low, fifth, type);
      v128.store(to, v128.and(first, byte));
      v128.store(to + apart, v128.and(last, byte));
      v128.store(to + 2 * apart, i16x8.shr_u(first, 8));
      v128.store(to + 3 * apart, i16x8.shr_u(last, 8));
      bits = i32x4.shr_u(bits, 2);
      to += apart << 2;
    }
  }
}

/** Address of the scales of a block, of a type that is no K type. */
@inline
function scalesAt(group: usize, blocks: i32, block: i32, type: i32): usize {
  return group + scalePlane(type, blocks) + <usize>block * scaleBytes(type);
}

/** Converts four f16 to f32, exactly. */
@inline
export function widenScales(at: usize): v128 {
  const keep = v128.load32_splat(CONSTANTS, 4);
  const moved = v128.and(i32x4.shl(v128.load16x4_s(at), 13), keep);
  const value = f32x4.mul(moved, v128.load32_splat(CONSTANTS, 8));
  const special = f32x4.ge(f32x4.abs(value), v128.load32_splat(CONSTANTS, 12));
  return v128.or(value, v128.and(special, v128.load32_splat(CONSTANTS, 16)));
}

/** Address of d, and dmin, of a block of a K type. */
@inline
export function superAt(group: usize, blocks: i32, block: i32, type: i32): usize {
  return group + scalePlane(type, blocks) + <usize>(block / blocksPerScale(type)) * superBytes(type);
}

/** Address of the scales of a block of a K type. */
@inline
export function smallAt(group: usize, blocks: i32, block: i32, type: i32): usize {
  const first: usize = hasMins(type) ? 16 : 8;
  const index = block & (blocksPerScale(type) - 1);
  return superAt(group, blocks, block, type) + first + <usize>index * scaleBytes(type);
}

/** The small scales of the four rows, which of q6_k are signed, as f32. */
@inline
export function smallScales(at: usize, type: i32): v128 {
  const bytes = v128.load32_zero(at);
  if (type == Q6_K) return f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(bytes)));
  return f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(bytes)));
}

/** The factor of the codes of the four rows of a group. The product of a K type is exact. */
@inline
export function scaleOf(group: usize, blocks: i32, block: i32, type: i32): v128 {
  if (!isK(type)) return widenScales(scalesAt(group, blocks, block, type));
  return f32x4.mul(widenScales(superAt(group, blocks, block, type)), smallScales(smallAt(group, blocks, block, type), type));
}

/** m of the four rows of a group, which of a K type is -dmin times the small minimum; 0 for types without it. */
@inline
export function minOf(group: usize, blocks: i32, block: i32, type: i32): v128 {
  if (!hasMins(type)) return f32x4.splat(0);
  if (!isK(type)) return widenScales(scalesAt(group, blocks, block, type) + 8);
  const dmin = f32x4.neg(widenScales(superAt(group, blocks, block, type) + 8));
  return f32x4.mul(dmin, smallScales(smallAt(group, blocks, block, type) + 4, type));
}
