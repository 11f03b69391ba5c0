import { loadLanes, storeLanes } from "./lanes.ts";
import { channelGroups, endOf, nextOf, Positions, startOf } from "./positions.ts";
import { Pointer } from "./records.ts";

// y[s] = the mean of x[p] over the positions p of sequence s; NaN when there are none. A unit is 16 channels of one sequence.
// Positions are summed in chunks of 64 that count, and then the sums of the chunks, as in columnSums.ts.

const CHUNK_POSITIONS: i32 = 64;

@unmanaged
export class PoolingArgs extends Positions {
  x!: Pointer; // f32 [batch, length, channels]
  y!: Pointer; // f32 [sequences, channels]
  xStride!: i32;
}

export function meanPositionsUnits(args: PoolingArgs): i32 {
  return args.sequences * channelGroups(args.channels);
}

export function meanPositionsRun(args: PoolingArgs, begin: i32, end: i32, scratch: usize): void {
  const groups = channelGroups(args.channels);
  for (let unit = begin; unit < end; unit++) {
    const s = unit / groups;
    const first = (unit - s * groups) * 16;
    const last = min(first + 16, args.channels);
    if (last - first == 16) sixteen(args, s, first);
    else for (let c = first; c < last; c += 4) four(args, s, c, last - c);
  }
}

/** Computes 16 channels. */
function sixteen(args: PoolingArgs, s: i32, channel: i32): void {
  const step = (<usize>args.xStride) << 2;
  const x = args.x + ((<usize>channel) << 2);
  const end = endOf(args, s);
  let t0 = f32x4.splat(0);
  let t1 = t0;
  let t2 = t0;
  let t3 = t0;
  let count = 0;
  let p = nextOf(args, s, startOf(args, s), end);
  while (p < end) {
    let s0 = f32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    const full = count + CHUNK_POSITIONS;
    while (p < end && count < full) {
      const at = x + <usize>p * step;
      s0 = f32x4.add(s0, v128.load(at));
      s1 = f32x4.add(s1, v128.load(at, 16));
      s2 = f32x4.add(s2, v128.load(at, 32));
      s3 = f32x4.add(s3, v128.load(at, 48));
      count++;
      p = nextOf(args, s, p + 1, end);
    }
    t0 = f32x4.add(t0, s0);
    t1 = f32x4.add(t1, s1);
    t2 = f32x4.add(t2, s2);
    t3 = f32x4.add(t3, s3);
  }
  const divisor = f32x4.splat(<f32>count);
  const y = args.y + ((<usize>s * args.channels + channel) << 2);
  v128.store(y, f32x4.div(t0, divisor));
  v128.store(y, f32x4.div(t1, divisor), 16);
  v128.store(y, f32x4.div(t2, divisor), 32);
  v128.store(y, f32x4.div(t3, divisor), 48);
}

/** Computes the first `channels`, at most four, channels from `channel` on. */
function four(args: PoolingArgs, s: i32, channel: i32, channels: i32): void {
  const step = (<usize>args.xStride) << 2;
  const x = args.x + ((<usize>channel) << 2);
  const end = endOf(args, s);
  let total = f32x4.splat(0);
  let count = 0;
  let p = nextOf(args, s, startOf(args, s), end);
  while (p < end) {
    let sum = f32x4.splat(0);
    const full = count + CHUNK_POSITIONS;
    while (p < end && count < full) {
      sum = f32x4.add(sum, loadLanes(x + <usize>p * step, channels));
      count++;
      p = nextOf(args, s, p + 1, end);
    }
    total = f32x4.add(total, sum);
  }
  const y = args.y + ((<usize>s * args.channels + channel) << 2);
  storeLanes(y, f32x4.div(total, f32x4.splat(<f32>count)), channels);
}
