import { madd } from "../lanes.ts";

// The products of eight rows of the weight, whose codes are converted to pairs, with a quad of rows of x: see layout.ts and
// quantizeRows.ts for the formats. Every sum takes the blocks in ascending order, so that its bits do not depend on the tile.

/** Bytes of the sums of one quad: [row of x][eight rows of the weight]. */
export const SUM_BYTES: i32 = 128;
/** Bytes of the scales of one block: d of the eight rows, then m. */
export const TILE_SCALE_BYTES: i32 = 64;

/**
 * sums += the products over `blocks` blocks.
 *
 * This loop takes one pair of columns at a time on purpose: V8 loads all operands of an unrolled body first, and then spills
 * them (measured: a quarter slower with two pairs at a time).
 *
 * @param weight for each pair of columns, the pairs of rows 0 to 3 and of rows 4 to 7
 */
export function quantizedTile(
  weight: usize,
  scales: usize,
  pairs: usize,
  facts: usize,
  blocks: i32,
  pairsPerBlock: i32,
  mins: bool,
  sums: usize,
): void {
  const blockBytes = (<usize>pairsPerBlock) << 4;
  const last = facts + <usize>blocks * 48;
  while (facts != last) {
    let s0 = v128.load32_splat(facts, 16);
    let s1 = v128.load32_splat(facts, 20);
    let s2 = v128.load32_splat(facts, 24);
    let s3 = v128.load32_splat(facts, 28);
    let t0 = s0;
    let t1 = s1;
    let t2 = s2;
    let t3 = s3;
    const stop = pairs + blockBytes;
    while (pairs != stop) {
      const u = v128.load(weight);
      const v = v128.load(weight, 16);
      let a = v128.load32_splat(pairs);
      s0 = i32x4.add(s0, i32x4.dot_i16x8_s(u, a));
      t0 = i32x4.add(t0, i32x4.dot_i16x8_s(v, a));
      a = v128.load32_splat(pairs, 4);
      s1 = i32x4.add(s1, i32x4.dot_i16x8_s(u, a));
      t1 = i32x4.add(t1, i32x4.dot_i16x8_s(v, a));
      a = v128.load32_splat(pairs, 8);
      s2 = i32x4.add(s2, i32x4.dot_i16x8_s(u, a));
      t2 = i32x4.add(t2, i32x4.dot_i16x8_s(v, a));
      a = v128.load32_splat(pairs, 12);
      s3 = i32x4.add(s3, i32x4.dot_i16x8_s(u, a));
      t3 = i32x4.add(t3, i32x4.dot_i16x8_s(v, a));
      weight += 32;
      pairs += 16;
    }
    addBlock(s0, t0, facts, scales, sums, mins);
    addBlock(s1, t1, facts + 4, scales, sums + 32, mins);
    addBlock(s2, t2, facts + 8, scales, sums + 64, mins);
    addBlock(s3, t3, facts + 12, scales, sums + 96, mins);
    scales += TILE_SCALE_BYTES;
    facts += 48;
  }
}

/** Adds the products of one block of one row of x: s and t are their integer parts. */
@inline
function addBlock(s: v128, t: v128, facts: usize, scales: usize, sums: usize, mins: bool): void {
  const dx = v128.load32_splat(facts);
  let f = blockSum(s, dx, v128.load(scales), v128.load(sums));
  let g = blockSum(t, dx, v128.load(scales, 16), v128.load(sums, 16));
  if (mins) {
    const sum = v128.load32_splat(facts, 32);
    f = madd(sum, v128.load(scales, 32), f);
    g = madd(sum, v128.load(scales, 48), g);
  }
  v128.store(sums, f);
  v128.store(sums, g, 16);
}

/** sum + integers · dx · d */
@inline
export function blockSum(integers: v128, dx: v128, d: v128, sum: v128): v128 {
  return madd(f32x4.mul(f32x4.convert_i32x4_s(integers), dx), d, sum);
}
