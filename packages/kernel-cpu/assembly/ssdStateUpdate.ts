import { expLanes } from "./exponentials.ts";
import { loadPartial, madd, storePartial, sumFour, sumLanes } from "./lanes.ts";
import { OptionalPointer, Pointer } from "./records.ts";
import { laneMask } from "./ssdTiles.ts";

// ssdScan for one token, with the same order of additions. The state [P, N] of each head is advanced in place:
//
//   S = exp(logDecay) · S + weight · x ⊗ B        y = S · C + D · x
//
// One pass over the state, in the order of its memory: the processor fetches ahead (measured, with states that are not cached: four
// rows side by side take 2.7 times as long). A unit is a chunk of the rows of one head.

/** Numbers of the state in one unit, about: 16 KiB. */
const UNIT_NUMBERS: i32 = 4096;

@unmanaged
export class SsdStateUpdateArgs {
  state!: Pointer; // f32 [batch, heads, headDim, stateSize]: read and written
  x!: Pointer; // f32 [batch, heads · headDim]
  B!: Pointer; // f32 [batch, groups · stateSize]
  C!: Pointer; // f32 [batch, groups · stateSize]
  logDecay!: Pointer; // f32 [batch, heads]
  weight!: Pointer; // f32 [batch, heads]
  D!: OptionalPointer; // f32 [heads]
  y!: Pointer; // f32 [batch, heads · headDim]
  batch!: i32; // may be 0
  heads!: i32;
  groups!: i32; // divides heads
  headDim!: i32;
  stateSize!: i32; // 1 to 256
  xStride!: i32;
  bStride!: i32;
  cStride!: i32;
  logDecayStride!: i32;
  weightStride!: i32;
}

/** Rows of the state in one unit. */
@inline
function unitRows(args: SsdStateUpdateArgs): i32 {
  return min(max((UNIT_NUMBERS / args.stateSize) & ~3, 4), args.headDim);
}

@inline
function unitsOfHead(args: SsdStateUpdateArgs): i32 {
  const rows = unitRows(args);
  return (args.headDim + rows - 1) / rows;
}

export function ssdStateUpdateUnits(args: SsdStateUpdateArgs): i32 {
  return args.batch * args.heads * unitsOfHead(args);
}

export function ssdStateUpdateRun(args: SsdStateUpdateArgs, begin: i32, end: i32, scratch: usize): void {
  const perHead = unitsOfHead(args);
  const width = unitRows(args);
  for (let unit = begin; unit < end; unit++) {
    const p = (unit % perHead) * width;
    const head = unit / perHead;
    updateRows(args, head / args.heads, head % args.heads, p, min(args.headDim - p, width));
  }
}

/** Computes rows [p, p + count) of head h of batch row b. */
function updateRows(args: SsdStateUpdateArgs, b: i32, h: i32, p: i32, count: i32): void {
  const N = args.stateSize;
  const head = (<usize>h) << 2;
  const group = ((<usize>(h / (args.heads / args.groups)) * N) << 2);
  const B = args.B + ((<usize>b * args.bStride) << 2) + group;
  const C = args.C + ((<usize>b * args.cStride) << 2) + group;
  const decay = expLanes(v128.load32_splat(args.logDecay + ((<usize>b * args.logDecayStride) << 2) + head));
  const weight = load<f32>(args.weight + ((<usize>b * args.weightStride) << 2) + head);
  const D = args.D ? load<f32>(args.D + head) : 0;
  const column = (<usize>h * args.headDim + p) << 2;
  let x = args.x + ((<usize>b * args.xStride) << 2) + column;
  let y = args.y + ((<usize>b * args.heads * args.headDim) << 2) + column;
  const rowBytes = (<usize>N) << 2;
  let state = args.state + ((<usize>b * args.heads * args.headDim) * rowBytes) + (column >> 2) * rowBytes;
  let left = count;
  for (; left >= 4; left -= 4) {
    const input = v128.load(x);
    const u = f32x4.mul(input, f32x4.splat(weight));
    const y0 = updateRow(state, N, B, C, decay, v128.shuffle<f32>(u, u, 0, 0, 0, 0));
    state += rowBytes;
    const y1 = updateRow(state, N, B, C, decay, v128.shuffle<f32>(u, u, 1, 1, 1, 1));
    state += rowBytes;
    const y2 = updateRow(state, N, B, C, decay, v128.shuffle<f32>(u, u, 2, 2, 2, 2));
    state += rowBytes;
    const y3 = updateRow(state, N, B, C, decay, v128.shuffle<f32>(u, u, 3, 3, 3, 3));
    state += rowBytes;
    let sums = sumFour(y0, y1, y2, y3);
    if (args.D) sums = madd(f32x4.splat(D), input, sums);
    v128.store(y, sums);
    x += 16;
    y += 16;
  }
  for (; left > 0; left--) {
    const input = v128.load32_splat(x);
    const u = f32x4.mul(input, f32x4.splat(weight));
    let sum = f32x4.splat(sumLanes(updateRow(state, N, B, C, decay, u)));
    if (args.D) sum = madd(f32x4.splat(D), input, sum);
    store<f32>(y, f32x4.extract_lane(sum, 0));
    state += rowBytes;
    x += 4;
    y += 4;
  }
}

/** Advances one row of the state. Returns the lanes of its product with C, with the additions of ssdScan in the same order. */
function updateRow(state: usize, N: i32, B: usize, C: usize, decay: v128, u: v128): v128 {
  let y = f32x4.splat(0);
  const pairs = (<usize>N & ~15) << 2;
  let n: usize = 0;
  for (; n < pairs; n += 64) {
    y = f32x4.add(y, updateTile(state + n, B + n, C + n, decay, u));
    y = f32x4.add(y, updateTile(state + n + 32, B + n + 32, C + n + 32, decay, u));
  }
  if (N & 8) {
    y = f32x4.add(y, updateTile(state + n, B + n, C + n, decay, u));
    n += 32;
  }
  if (N & 7) y = f32x4.add(y, updatePartial(state + n, B + n, C + n, decay, u, N & 7));
  return y;
}

/** Advances eight numbers of the state. Returns the lanes of their products with C. */
@inline
function updateTile(state: usize, B: usize, C: usize, decay: v128, u: v128): v128 {
  const s0 = madd(decay, v128.load(state), f32x4.mul(u, v128.load(B)));
  const s1 = madd(decay, v128.load(state, 16), f32x4.mul(u, v128.load(B, 16)));
  v128.store(state, s0);
  v128.store(state, s1, 16);
  return madd(s1, v128.load(C, 16), f32x4.mul(s0, v128.load(C)));
}

/** Like `updateTile` for the last `count` (1 to 7) numbers of a row. */
function updatePartial(state: usize, B: usize, C: usize, decay: v128, u: v128, count: i32): v128 {
  let sum = f32x4.splat(0);
  const rest = count & 3;
  let at: usize = 0;
  if (count & 4) {
    const s = madd(decay, v128.load(state), f32x4.mul(u, v128.load(B)));
    v128.store(state, s);
    sum = f32x4.mul(s, v128.load(C));
    at = 16;
  }
  if (!rest) return sum;
  const s = madd(decay, loadPartial(state + at, rest), f32x4.mul(u, loadPartial(B + at, rest)));
  storePartial(state + at, s, rest);
  // An infinite input times the 0 beyond B would be NaN.
  const real = v128.and(s, laneMask(rest));
  const c = loadPartial(C + at, rest);
  return count & 4 ? madd(real, c, sum) : f32x4.mul(real, c);
}
