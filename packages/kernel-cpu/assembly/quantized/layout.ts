import { IQ4_NL, Q4_0, Q4_1, Q4_K, Q5_0, Q5_1, Q5_K, Q6_K, Q8_0 } from "../records.ts";

// The layout of a quantised matrix [rows, columns] in memory.
//
// Four rows make a group. A group takes four times the bytes of a row in its file, and holds planes:
//
//   codes   for each block of 32 columns, 16 bytes for each 4-byte word of the codes in the file: word i of rows 0, 1, 2, 3
//   high    5-bit types: 16 bytes for each block: the fifth bits of rows 0, 1, 2, 3, in another order (see spreadBits)
//   scales  for each block, 8 bytes for each f16 in the file: d of rows 0, 1, 2, 3, then m of rows 0, 1, 2, 3
//
// K types have groups of scales. Their codes are first brought to the order of the other types, in blocks of the columns that share
// a scale: 32, of q6_k 16. Their planes are
//
//   codes   as above; q6_k: 3 words for each block, see sixBits.ts
//   high    q5_k as above
//   scales  for each 256 columns, 8 bytes with d of rows 0, 1, 2, 3, and 8 bytes with dmin if there is one; then for each block
//           4 bytes with the scales of the rows, and 4 bytes with the minima if there are any: 6-bit numbers take a byte
//
// So lane r of every register belongs to row r: the sums of a dot product need no additions across lanes, and one register of
// scales serves four rows. Codes of q8_0 are stored plus 128, so that they are unsigned. The last group is padded to four rows.
//
// A register of 16-bit integers holds, for each of the four rows, a pair of neighbouring columns of the same parity. Pair p of a
// block holds the columns (e, e + 2), where a word i of the codes gives
//
//   8-bit codes   p = 2i + t:  e = 4i + t                                   t = 0, 1
//   4- and 5-bit  p = 4i + t:  e = 4i + width / 2 · (t & 1) + (t >> 1)      t = 0 ... 3
//
// where width is the number of columns of a block. These are the orders in which masks and shifts of 16-bit lanes give the codes. Rows of x are stored in the same order.

/** Rows of a group. */
export const GROUP_ROWS: i32 = 4;

/** Columns of a block: those that share d, and m if there is one. */
@inline
export function blockColumns(type: i32): i32 {
  return type == Q6_K ? 16 : 32;
}

/** True when the codes are 4-byte words of bytes, false when they are words of nibbles. */
@inline
export function hasByteCodes(type: i32): bool {
  return type == Q8_0;
}

/** True when pairs hold codes times 1, 16, 256, 1: a mask takes nibbles out of 16-bit lanes, but does not shift them. */
@inline
export function isScaled(type: i32): bool {
  return type == Q4_0 || type == Q4_1 || type == Q4_K;
}

/** True for the types whose blocks have a scale of few bits beside d, which 256 columns share. */
@inline
export function isK(type: i32): bool {
  return type >= Q4_K;
}

/** True when w = d · code + m, false when w = d · (code - zeroCode(type)). */
@inline
export function hasMins(type: i32): bool {
  return type == Q4_1 || type == Q5_1 || type == Q4_K || type == Q5_K;
}

/**
 * True when the only row of x is stored as bytes, to be multiplied with bytes of the weight. This takes the relaxed product of signed
 * and unsigned bytes, whose result is defined when the unsigned ones are below 128.
 */
@inline
export function multipliesBytes(type: i32): bool {
  return ASC_FEATURE_RELAXED_SIMD && type != Q8_0 && type != IQ4_NL;
}

@inline
export function hasHighBits(type: i32): bool {
  return type == Q5_0 || type == Q5_1 || type == Q5_K;
}

/** The product of the factors of a pair of x and a pair of the weight: 1, or more for types whose pairs are scaled. */
@inline
export function pairUnit(type: i32): i32 {
  if (type == Q6_K) return 64;
  return isScaled(type) ? 256 : 1;
}

/** The code that means 0. */
@inline
export function zeroCode(type: i32): i32 {
  if (type == Q8_0 || type == IQ4_NL) return 128;
  if (type == Q4_0) return 8;
  if (type == Q6_K) return 32;
  return type == Q5_0 ? 16 : 0;
}

/** Bytes of the codes of one block of a group. */
@inline
export function codeBytes(type: i32): usize {
  if (type == Q8_0) return 128;
  return type == Q6_K ? 48 : 64;
}

/** Bytes of the scales of one block of a group; of a K type without d. */
@inline
export function scaleBytes(type: i32): usize {
  const each: usize = isK(type) ? 4 : 8;
  return hasMins(type) ? each << 1 : each;
}

/** Blocks of a K type that share d. */
@inline
export function blocksPerScale(type: i32): i32 {
  return 256 / blockColumns(type);
}

/** Bytes of d, and dmin, of a K type, and of the scales of the blocks that share them. */
@inline
export function superBytes(type: i32): usize {
  return (hasMins(type) ? 16 : 8) + <usize>blocksPerScale(type) * scaleBytes(type);
}

/** Bytes of all scales of a group. */
@inline
function scalesBytes(type: i32, blocks: i32): usize {
  if (isK(type)) return <usize>(blocks / blocksPerScale(type)) * superBytes(type);
  return <usize>blocks * scaleBytes(type);
}

/** Bytes of the high bits of one block of a group. */
@inline
export function highBytes(type: i32): usize {
  return hasHighBits(type) ? 16 : 0;
}

/** Bytes of a group of `blocks` blocks: four times those of a row in a file, and with minima of K types 16 more for 256 columns. */
@inline
export function groupBytes(type: i32, blocks: i32): usize {
  return scalePlane(type, blocks) + scalesBytes(type, blocks);
}

/** Offset of the plane of high bits in a group. */
@inline
export function highPlane(type: i32, blocks: i32): usize {
  return <usize>blocks * codeBytes(type);
}

/** Offset of the plane of scales in a group. */
@inline
export function scalePlane(type: i32, blocks: i32): usize {
  return <usize>blocks * (codeBytes(type) + highBytes(type));
}
