import { Pointer, Q6_K, StorageType } from "../records.ts";
import { blockColumns, hasByteCodes, isScaled, multipliesBytes, pairUnit, zeroCode } from "./layout.ts";

// Rounds rows of x to int8, one scale for each block of columns of the weight: q = round(x / dx), ties to even, with
// dx = max |x| / 127. (With one scale for a whole row, a few large numbers, which the inputs of out_proj have, would cost the
// others their digits.)
//
// A block with an infinity or a NaN gets dx = NaN, so that all products of that row are NaN. Blocks whose largest number is below
// 2^-118 become zeros.
//
// The result is made of quads of four rows, or is a single row: `lanes` is 4 or 1. Each quad holds
//
//   pairs   for each pair of columns (see layout.ts) and each lane, two 16-bit integers
//   bytes   instead of pairs, in a single row of types that multiply bytes: the integers in order, in the lower half of the space
//   blocks  for each block and each lane: f32 dx; then i32 -zero code · S; then f32 dx · S, with S = the sum of q in the block
//
// For scaled types the integers are q times 256, 16, 1, 256, so that each product with a pair of the weight is 256 q · code, and for
// q6_k q times 64, 1, 64, 1, 64, 1, 64, 64, so that it is 64 q · code; dx is divided by 256 or 64.

/** The bits of 2^-118, of infinity, and of 1.5 · 2^23. */
const LEAST_BITS: i32 = 0x04800000;
const SPECIAL_BITS: i32 = 0x7f800000;
const MAGIC_BITS: i32 = 0x4b400000;

@unmanaged
export class QuantizeRowsArgs {
  x!: Pointer; // f32 [rows, columns]
  y!: Pointer; // quadBytes for each quad
  rows!: i32; // may be 0
  columns!: i32;
  xStride!: i32;
  weightType!: StorageType; // of the matrix that y will be multiplied with
}

/** Rows that a quad holds: one if there is only one. */
@inline
export function lanesOf(rows: i32): usize {
  return rows == 1 ? 1 : 4;
}

/** Bytes of the pairs of a quad. */
@inline
export function pairBytes(columns: i32, lanes: usize): usize {
  return ((<usize>columns) << 1) * lanes;
}

@inline
export function quadBytes(columns: i32, lanes: usize, type: i32): usize {
  return pairBytes(columns, lanes) + <usize>(columns / blockColumns(type)) * lanes * 12;
}

export function quantizeRowsUnits(args: QuantizeRowsArgs): i32 {
  return (args.rows + 3) >> 2;
}

export function quantizeRowsRun(args: QuantizeRowsArgs, begin: i32, end: i32, scratch: usize): void {
  const lanes = lanesOf(args.rows);
  const type = args.weightType;
  const size = quadBytes(args.columns, lanes, type);
  for (let quad = begin; quad < end; quad++) {
    const to = args.y + <usize>quad * size;
    const rows = min(args.rows - (quad << 2), 4);
    if (rows < <i32>lanes) memory.fill(to, 0, size);
    for (let lane = 0; lane < rows; lane++) {
      const x = args.x + ((<usize>((quad << 2) + lane) * args.xStride) << 2);
      quantizeRow(x, args.columns, to, <usize>lane, lanes, type);
    }
  }
}

/** Stores a row as lane `lane` of the quad at `to`. */
export function quantizeRow(x: usize, columns: i32, to: usize, lane: usize, lanes: usize, type: i32): void {
  const apart = lanes << 2;
  let pairs = to + (lane << 2);
  let facts = to + pairBytes(columns, lanes) + (lane << 2);
  const bytes = (<usize>blockColumns(type)) << 2;
  const unit = pairUnit(type);
  const inverseUnit: f32 = <f32>1 / <f32>unit;
  const zero = zeroCode(type);
  const bytewise = lanes == 1 && multipliesBytes(type);
  // Words i of a block: with byte codes two words make four pairs, otherwise a word and the one half a block later.
  const step: usize = hasByteCodes(type) ? 32 : 16;
  const other: usize = hasByteCodes(type) ? 16 : bytes >> 1;
  for (const end = x + ((<usize>columns) << 2); x < end; x += bytes) {
    // The bits of |x| are in the order of the numbers; infinities and NaNs come last.
    let largest = i32x4.splat(0);
    for (let i: usize = 0; i < bytes; i += 16) largest = i32x4.max_s(largest, f32x4.abs(v128.load(x + i)));
    largest = i32x4.max_s(largest, v128.shuffle<i32>(largest, largest, 2, 3, 0, 1));
    const bits = max(i32x4.extract_lane(largest, 0), i32x4.extract_lane(largest, 1));
    const most: f32 = bits < LEAST_BITS ? <f32>0 : reinterpret<f32>(bits);
    const inverse = f32x4.splat(most == 0 ? <f32>0 : <f32>127 / most);
    // Adding 1.5 · 2^23 rounds to an integer, which then is in the lower bits.
    const magic = f32x4.splat(12582912.0);
    let sums = i32x4.splat(0);
    for (let i: usize = 0; i < bytes >> 5; i++) {
      const at = x + i * step;
      const a = f32x4.add(f32x4.mul(v128.load(at), inverse), magic);
      const b = f32x4.add(f32x4.mul(v128.load(at + other), inverse), magic);
      sums = i32x4.add(sums, i32x4.add(a, b));
      if (bytewise) {
        const eight = v128.shuffle<i8>(a, b, 0, 4, 8, 12, 16, 20, 24, 28, 0, 4, 8, 12, 16, 20, 24, 28);
        v128.store_lane<i32>(pairs, eight, 0);
        v128.store_lane<i32>(pairs + (other >> 2), eight, 1);
        pairs += 4;
        continue;
      }
      let four = hasByteCodes(type)
        ? v128.shuffle<i16>(a, b, 0, 4, 2, 6, 8, 12, 10, 14)
        : v128.shuffle<i16>(a, b, 0, 4, 8, 12, 2, 6, 10, 14);
      if (type == Q6_K) {
        four = i16x8.mul(four, i == 0 ? i16x8(64, 64, 1, 1, 64, 64, 1, 1) : i16x8(64, 64, 1, 1, 64, 64, 64, 64));
      } else if (isScaled(type)) four = i16x8.mul(four, i16x8(256, 256, 16, 16, 1, 1, 256, 256));
      if (lanes == 1) v128.store(pairs, four);
      else {
        v128.store_lane<i32>(pairs, four, 0);
        v128.store_lane<i32>(pairs, four, 1, 16);
        v128.store_lane<i32>(pairs, four, 2, 32);
        v128.store_lane<i32>(pairs, four, 3, 48);
      }
      pairs += apart << 2;
    }
    if (bytewise) pairs += other >> 2;
    sums = i32x4.add(sums, v128.shuffle<i32>(sums, sums, 2, 3, 0, 1));
    const integers = i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1);
    const sum = integers - ((<i32>bytes >> 2) * MAGIC_BITS);
    const dx: f32 = bits < SPECIAL_BITS ? most * <f32>(1.0 / 127.0) : f32.NaN;
    store<f32>(facts, dx * inverseUnit);
    store<i32>(facts + apart, -unit * zero * sum);
    store<f32>(facts + 2 * apart, dx * <f32>sum);
    facts += 3 * apart;
  }
}
