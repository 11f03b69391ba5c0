import { ScanArgs } from "./args.ts";
import {
  exp2Lanes,
  loadLanes,
  LOG2E,
  loadPartial,
  madd,
  siluLanes,
  softplusLanes,
  storeLanes,
  storePartial,
  sumLanes,
} from "./math.ts";

// selectiveScan for one token, the state advanced in place:
//
//   dt = softplus(delta + deltaBias), or without the softplus
//   h[n] = exp(dt · A[n]) · h[n] + dt · B[n] · u
//   y = (sum_n C[n] · h[n] + D · u) · silu(z)
//
// With a single step there is no time to win back the transposition that the scan does, so here four numbers of the
// state of one channel share a register, as they lie in memory. Channels still go by four through softplus and silu.

const UNIT_CHANNELS: i32 = 128;

export function selectiveStateUpdateUnits(at: usize): i32 {
  const args = changetype<ScanArgs>(at);
  return args.batch * ((args.channels + UNIT_CHANNELS - 1) / UNIT_CHANNELS);
}

export function selectiveStateUpdateScratch(at: usize): i32 {
  return 64;
}

export function selectiveStateUpdateRange(at: usize, begin: i32, end: i32, scratch: usize): void {
  const args = changetype<ScanArgs>(at);
  const perRow = (args.channels + UNIT_CHANNELS - 1) / UNIT_CHANNELS;
  for (let unit = begin; unit < end; unit++) {
    const b = unit / perRow;
    const first = (unit % perRow) * UNIT_CHANNELS;
    const last = min(first + UNIT_CHANNELS, args.channels);
    for (let d = first; d < last; d += 4) updateFour(args, b, d, min(last - d, 4), scratch);
  }
}

/** Channels [d, d + count) of batch row b, count from 1 to 4. */
function updateFour(args: ScanArgs, b: i32, d: i32, count: i32, scratch: usize): void {
  const row = <usize>b;
  const column = (<usize>d) << 2;
  const u = loadLanes(args.u + ((row * args.uStride) << 2) + column, count);
  let dt = loadLanes(args.delta + ((row * args.deltaStride) << 2) + column, count);
  if (args.deltaBias) dt = f32x4.add(dt, loadLanes(args.deltaBias + column, count));
  if (args.deltaSoftplus) dt = softplusLanes(dt);
  v128.store(scratch, dt);
  v128.store(scratch, f32x4.mul(dt, u), 16);
  const B = args.B + ((row * args.bStride) << 2);
  const C = args.C + ((row * args.cStride) << 2);
  const stateRow = (<usize>args.stateSize) << 2;
  const state = args.finalState + (row * args.channels + d) * stateRow;
  const A = args.A + <usize>d * stateRow;
  for (let lane: usize = 0; lane < <usize>count; lane++) {
    const from = scratch + (lane << 2);
    const sum = updateOne(state + lane * stateRow, A + lane * stateRow, B, C, from, args.stateSize);
    store<f32>(from, sum, 32);
  }
  let y = loadLanes(scratch + 32, count);
  if (args.D) y = madd(loadLanes(args.D + column, count), u, y);
  if (args.z) y = f32x4.mul(y, siluLanes(loadLanes(args.z + ((row * args.zStride) << 2) + column, count)));
  storeLanes(args.y + ((row * args.channels) << 2) + column, y, count);
}

/** One channel: `from` holds dt, and 16 bytes on dt · u. Returns sum_n C[n] · h[n]. */
@inline
function updateOne(state: usize, A: usize, B: usize, C: usize, from: usize, N: i32): f32 {
  const dt = f32x4.mul(v128.load32_splat(from), f32x4.splat(LOG2E));
  const dtu = v128.load32_splat(from, 16);
  let sum = f32x4.splat(0);
  const whole = (<usize>N & ~3) << 2;
  let n: usize = 0;
  // Four registers side by side, for the reason given in blocks.ts.
  for (; n + 48 < whole; n += 64) {
    const a0 = exp2Lanes(f32x4.mul(dt, v128.load(A + n)));
    const a1 = exp2Lanes(f32x4.mul(dt, v128.load(A + n, 16)));
    const a2 = exp2Lanes(f32x4.mul(dt, v128.load(A + n, 32)));
    const a3 = exp2Lanes(f32x4.mul(dt, v128.load(A + n, 48)));
    const h0 = madd(a0, v128.load(state + n), f32x4.mul(dtu, v128.load(B + n)));
    const h1 = madd(a1, v128.load(state + n, 16), f32x4.mul(dtu, v128.load(B + n, 16)));
    const h2 = madd(a2, v128.load(state + n, 32), f32x4.mul(dtu, v128.load(B + n, 32)));
    const h3 = madd(a3, v128.load(state + n, 48), f32x4.mul(dtu, v128.load(B + n, 48)));
    v128.store(state + n, h0);
    v128.store(state + n, h1, 16);
    v128.store(state + n, h2, 32);
    v128.store(state + n, h3, 48);
    sum = madd(h0, v128.load(C + n), sum);
    sum = madd(h1, v128.load(C + n, 16), sum);
    sum = madd(h2, v128.load(C + n, 32), sum);
    sum = madd(h3, v128.load(C + n, 48), sum);
  }
  for (; n < whole; n += 16) {
    const a = exp2Lanes(f32x4.mul(dt, v128.load(A + n)));
    const h = madd(a, v128.load(state + n), f32x4.mul(dtu, v128.load(B + n)));
    v128.store(state + n, h);
    sum = madd(h, v128.load(C + n), sum);
  }
  const rest = N & 3;
  if (rest) {
    const a = exp2Lanes(f32x4.mul(dt, loadPartial(A + n, rest)));
    const h = madd(a, loadPartial(state + n, rest), f32x4.mul(dtu, loadPartial(B + n, rest)));
    storePartial(state + n, h, rest);
    sum = madd(h, loadPartial(C + n, rest), sum);
  }
  return sumLanes(sum);
}
