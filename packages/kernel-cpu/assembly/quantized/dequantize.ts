import { Q6_K } from "../records.ts";
import { blockColumns, codeBytes, groupBytes, hasByteCodes, highBytes, highPlane, isScaled, zeroCode } from "./layout.ts";
import { minOf, scaleOf, widenBlocks } from "./widen.ts";

// Conversion of quantised weights to f32, with the bits of `dequantize` of @mamba/kernel/quantize: the product d · code is exact.

/** Bytes of scratch of dequantizeGroup. */
export const DEQUANTIZE_SCRATCH: i32 = 256;

/** Converts blocks [first, first + count) of the four rows of a group to f32 rows, `step` bytes apart. */
export function dequantizeGroup(
  group: usize,
  blocks: i32,
  first: i32,
  count: i32,
  to: usize,
  step: usize,
  scratch: usize,
  type: i32,
): void {
  const half = <usize>blockColumns(type) >> 3;
  const zero = f32x4.splat(<f32>zeroCode(type));
  const words = <usize>blockColumns(type) >> 2;
  // Distance from the pairs of column 4i to those of column 4i + 1.
  const odd: usize = hasByteCodes(type) ? 16 : 32;
  for (let block = first; block < first + count; block++) {
    const code = group + <usize>block * codeBytes(type);
    const high = group + highPlane(type, blocks) + <usize>block * highBytes(type);
    widenBlocks(code, high, scratch, 16, 1, type);
    const d = scaleOf(group, blocks, block, type);
    const m = minOf(group, blocks, block, type);
    for (let i: usize = 0; i < words; i++) {
      let at = scratch + (i << 5);
      if (!hasByteCodes(type)) at = scratch + ((i % half) << 6) + ((i / half) << 4);
      let even = v128.load(at);
      let other = v128.load(at + odd);
      if (type == Q6_K) {
        // The products of pairs 1, 3 and 5 with 64.
        if (i > 1) even = i16x8.shr_u(even, 6);
        if (i == 2) other = i16x8.shr_u(other, 6);
      } else if (isScaled(type)) {
        if (i < half) other = i16x8.shr_u(other, 8);
        else even = i16x8.shr_u(even, 4);
      }
      // Columns 4i to 4i + 3 of rows 0 and 1, then of rows 2 and 3.
      const a = v128.shuffle<i16>(even, other, 0, 8, 1, 9, 2, 10, 3, 11);
      const b = v128.shuffle<i16>(even, other, 4, 12, 5, 13, 6, 14, 7, 15);
      storeRow(to, i32x4.extend_low_i16x8_u(a), zero, v128.shuffle<f32>(d, d, 0, 0, 0, 0), v128.shuffle<f32>(m, m, 0, 0, 0, 0));
      storeRow(to + step, i32x4.extend_high_i16x8_u(a), zero, v128.shuffle<f32>(d, d, 1, 1, 1, 1), v128.shuffle<f32>(m, m, 1, 1, 1, 1));
      storeRow(to + 2 * step, i32x4.extend_low_i16x8_u(b), zero, v128.shuffle<f32>(d, d, 2, 2, 2, 2), v128.shuffle<f32>(m, m, 2, 2, 2, 2));
      storeRow(to + 3 * step, i32x4.extend_high_i16x8_u(b), zero, v128.shuffle<f32>(d, d, 3, 3, 3, 3), v128.shuffle<f32>(m, m, 3, 3, 3, 3));
      to += 16;
    }
  }
}

/** Adding a missing m, 0, changes at most the sign of a zero. */
@inline
function storeRow(to: usize, codes: v128, zero: v128, d: v128, m: v128): void {
  v128.store(to, f32x4.add(f32x4.mul(d, f32x4.sub(f32x4.convert_i32x4_s(codes), zero)), m));
}

/** Converts whole rows from row `first` on, a multiple of 4, to f32 rows, `step` bytes apart: `rows` rounded up to 4. */
export function dequantizeRows(
  weight: usize,
  columns: i32,
  first: i32,
  rows: i32,
  to: usize,
  step: usize,
  scratch: usize,
  type: i32,
): void {
  const blocks = columns / blockColumns(type);
  const size = groupBytes(type, blocks);
  for (let row = first; row < first + rows; row += 4) {
    dequantizeGroup(weight + <usize>(row >> 2) * size, blocks, 0, blocks, to, step, scratch, type);
    to += step << 2;
  }
}
