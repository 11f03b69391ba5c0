import { blockColumns, codeBytes, groupBytes, hasMins, highBytes, highPlane } from "./layout.ts";
import { pairBytes, quadBytes } from "./quantizeRows.ts";
import { quantizedTile, SUM_BYTES, TILE_SCALE_BYTES } from "./quantizedTile.ts";
import { minOf, scaleOf, widenBlocks } from "./widen.ts";

// The products of quads of rows with two groups of the weight, which are converted to pairs in scratch.

/** Columns that are converted at a time: 32 KiB of pairs at most. A multiple of 256. */
const DEPTH: i32 = 2048;

/**
 * The first number of groups from `half` on that takes about whole pages. Then both streams of one row come to a new page, which the
 * processor does not prefetch, at the same time, and wait once (measured: up to 1.7 times as fast). Up to half / 64 groups are
 * computed twice.
 */
export function alignedHalf(half: i32, columns: i32, type: i32): i32 {
  const size = <i32>groupBytes(type, columns / blockColumns(type));
  const most = half + (half >> 6);
  for (let groups = half; groups <= most; groups++) {
    if (((groups * size + 128) & 4095) < 256) return groups;
  }
  return half;
}

/** Room for the pairs and scales of two groups of the weight, and the sums of `quads` quads. */
export function groupsScratch(columns: i32, quads: i32, type: i32): i32 {
  const depth = min(columns, DEPTH);
  return depth * 16 + (depth / blockColumns(type)) * TILE_SCALE_BYTES + quads * SUM_BYTES;
}

/**
 * Computes the products of `count` quads with two groups of a weight. Returns the address in scratch of the sums: for each row of x, those
 * with the rows of the first group, then of the second.
 */
export function multiplyGroups(
  weight: usize,
  columns: i32,
  group: i32,
  second: i32,
  x: usize,
  count: i32,
  scratch: usize,
  type: i32,
): usize {
  const width = blockColumns(type);
  const blocks = columns / width;
  const depth = min(columns, DEPTH);
  const scales = scratch + ((<usize>depth) << 4);
  const sums = scales + <usize>(depth / width) * TILE_SCALE_BYTES;
  const size = quadBytes(columns, 4, type);
  // The call behind memory.fill takes longer than the loop.
  for (let at = sums; at < sums + <usize>count * SUM_BYTES; at += 16) v128.store(at, f32x4.splat(0));
  for (let k = 0; k < columns; k += DEPTH) {
    const first = k / width;
    const some = min(blocks - first, DEPTH / width);
    widenGroup(weight, blocks, group, first, some, scratch, scales, type);
    widenGroup(weight, blocks, second, first, some, scratch + 16, scales + 16, type);
    const pairs = x + ((<usize>k) << 3);
    const facts = x + pairBytes(columns, 4) + <usize>first * 48;
    for (let q: usize = 0; q < <usize>count; q++) {
      const at = sums + q * SUM_BYTES;
      quantizedTile(scratch, scales, pairs + q * size, facts + q * size, some, width >> 1, hasMins(type), at);
    }
  }
  return sums;
}

/** Stores the pairs of blocks [first, first + count) of a group, 32 bytes apart, and their scales, TILE_SCALE_BYTES apart. */
function widenGroup(
  weight: usize,
  blocks: i32,
  group: i32,
  first: i32,
  count: i32,
  to: usize,
  scales: usize,
  type: i32,
): void {
  const at = weight + <usize>group * groupBytes(type, blocks);
  const code = at + <usize>first * codeBytes(type);
  const high = at + highPlane(type, blocks) + <usize>first * highBytes(type);
  widenBlocks(code, high, to, 32, count, type);
  for (let block = first; block < first + count; block++) {
    v128.store(scales, scaleOf(at, blocks, block, type));
    if (hasMins(type)) v128.store(scales, minOf(at, blocks, block, type), 32);
    scales += TILE_SCALE_BYTES;
  }
}
