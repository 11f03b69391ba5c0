import { loadLanes, storeLanes } from "./lanes.ts";
import { PoolingArgs } from "./meanPositions.ts";
import { channelGroups, endOf, nextOf, startOf } from "./positions.ts";
import { Pointer } from "./records.ts";

// y[s] = the largest x[p] over the positions p of sequence s, and its position: the first of equal ones. A NaN is larger than all
// numbers. Without positions y is NaN and the position -1. A unit is 16 channels of one sequence.

@unmanaged
export class MaxPositionsArgs extends PoolingArgs {
  index!: Pointer; // i32 [sequences, channels]
}

export function maxPositionsUnits(args: MaxPositionsArgs): i32 {
  return args.sequences * channelGroups(args.channels);
}

export function maxPositionsRun(args: MaxPositionsArgs, begin: i32, end: i32, scratch: usize): void {
  const groups = channelGroups(args.channels);
  for (let unit = begin; unit < end; unit++) {
    const s = unit / groups;
    const first = (unit - s * groups) * 16;
    const last = min(first + 16, args.channels);
    if (last - first == 16) sixteen(args, s, first);
    else for (let c = first; c < last; c += 4) four(args, s, c, last - c);
  }
}

/** A mask of the lanes in which x replaces the largest value so far. */
@inline
function replaces(x: v128, most: v128): v128 {
  return v128.or(f32x4.gt(x, most), v128.and(f32x4.ne(x, x), f32x4.eq(most, most)));
}

function sixteen(args: MaxPositionsArgs, s: i32, channel: i32): void {
  const step = (<usize>args.xStride) << 2;
  const x = args.x + ((<usize>channel) << 2);
  const end = endOf(args, s);
  let p = nextOf(args, s, startOf(args, s), end);
  let m0 = f32x4.splat(NaN);
  let m1 = m0;
  let m2 = m0;
  let m3 = m0;
  let i0 = i32x4.splat(p < end ? p : -1);
  let i1 = i0;
  let i2 = i0;
  let i3 = i0;
  if (p < end) {
    const at = x + <usize>p * step;
    m0 = v128.load(at);
    m1 = v128.load(at, 16);
    m2 = v128.load(at, 32);
    m3 = v128.load(at, 48);
    for (p = nextOf(args, s, p + 1, end); p < end; p = nextOf(args, s, p + 1, end)) {
      const from = x + <usize>p * step;
      const position = i32x4.splat(p);
      const x0 = v128.load(from);
      const x1 = v128.load(from, 16);
      const x2 = v128.load(from, 32);
      const x3 = v128.load(from, 48);
      const r0 = replaces(x0, m0);
      const r1 = replaces(x1, m1);
      const r2 = replaces(x2, m2);
      const r3 = replaces(x3, m3);
      m0 = v128.bitselect(x0, m0, r0);
      m1 = v128.bitselect(x1, m1, r1);
      m2 = v128.bitselect(x2, m2, r2);
      m3 = v128.bitselect(x3, m3, r3);
      i0 = v128.bitselect(position, i0, r0);
      i1 = v128.bitselect(position, i1, r1);
      i2 = v128.bitselect(position, i2, r2);
      i3 = v128.bitselect(position, i3, r3);
    }
  }
  const offset = (<usize>s * args.channels + channel) << 2;
  v128.store(args.y + offset, m0);
  v128.store(args.y + offset, m1, 16);
  v128.store(args.y + offset, m2, 32);
  v128.store(args.y + offset, m3, 48);
  v128.store(args.index + offset, i0);
  v128.store(args.index + offset, i1, 16);
  v128.store(args.index + offset, i2, 32);
  v128.store(args.index + offset, i3, 48);
}

/** Computes the first `channels`, at most four, channels from `channel` on. */
function four(args: MaxPositionsArgs, s: i32, channel: i32, channels: i32): void {
  const step = (<usize>args.xStride) << 2;
  const x = args.x + ((<usize>channel) << 2);
  const end = endOf(args, s);
  let p = nextOf(args, s, startOf(args, s), end);
  let most = f32x4.splat(NaN);
  let index = i32x4.splat(p < end ? p : -1);
  if (p < end) most = loadLanes(x + <usize>p * step, channels);
  while (p < end) {
    const value = loadLanes(x + <usize>p * step, channels);
    const taken = replaces(value, most);
    most = v128.bitselect(value, most, taken);
    index = v128.bitselect(i32x4.splat(p), index, taken);
    p = nextOf(args, s, p + 1, end);
  }
  const offset = (<usize>s * args.channels + channel) << 2;
  storeLanes(args.y + offset, most, channels);
  storeLanes(args.index + offset, index, channels);
}
