import { siluRegisters, softplusRegisters } from "./activations.ts";
import { exp2Lanes, LOG2E } from "./exponentials.ts";
import { loadLanes, loadPartial, madd, storeLanes, storePartial, sumLanes } from "./lanes.ts";
import { Flag, OptionalPointer, Pointer } from "./records.ts";

// selectiveScan for one token. The state is advanced in place:
//
//   dt   = softplus(delta + deltaBias), or without the softplus
//   h[n] = exp(dt · A[n]) · h[n] + dt · B[n] · u
//   y    = (sum_n C[n] · h[n] + D · u) · silu(z)
//
// One step does not repay the transposition that the scan does: here four numbers of the state of one channel share a register,
// as they lie in memory. softplus and silu still take four channels. A unit is a chunk of channels of one batch row.

const CHANNELS: i32 = 128;
const ROW: usize = 512;

// Scratch: dt, dt · u, y and silu(z) of a chunk.
const DTU: usize = ROW;
const Y: usize = 2 * ROW;
const GATE: usize = 3 * ROW;

@unmanaged
export class SelectiveStateUpdateArgs {
  state!: Pointer; // f32 [batch, channels, stateSize]: read and written
  u!: Pointer; // f32 [batch, channels]
  delta!: Pointer; // f32 [batch, channels]
  A!: Pointer; // f32 [channels, stateSize]
  B!: Pointer; // f32 [batch, stateSize]
  C!: Pointer; // f32 [batch, stateSize]
  D!: OptionalPointer; // f32 [channels]
  z!: OptionalPointer; // f32 [batch, channels]
  deltaBias!: OptionalPointer; // f32 [channels]
  y!: Pointer; // f32 [batch, channels]
  batch!: i32; // may be 0
  channels!: i32;
  stateSize!: i32; // 1 to 256
  uStride!: i32;
  deltaStride!: i32;
  bStride!: i32;
  cStride!: i32;
  zStride!: i32; // ignored without z
  deltaSoftplus!: Flag;
}

export function selectiveStateUpdateUnits(args: SelectiveStateUpdateArgs): i32 {
  return args.batch * ((args.channels + CHANNELS - 1) / CHANNELS);
}

export function selectiveStateUpdateScratch(args: SelectiveStateUpdateArgs): i32 {
  return 4 * <i32>ROW;
}

export function selectiveStateUpdateRun(args: SelectiveStateUpdateArgs, begin: i32, end: i32, scratch: usize): void {
  const perRow = (args.channels + CHANNELS - 1) / CHANNELS;
  for (let unit = begin; unit < end; unit++) {
    const d = (unit % perRow) * CHANNELS;
    updateChannels(args, unit / perRow, d, min(args.channels - d, CHANNELS), scratch);
  }
}

/** Computes channels [d, d + count) of batch row b. */
function updateChannels(args: SelectiveStateUpdateArgs, b: i32, d: i32, count: i32, scratch: usize): void {
  const row = <usize>b;
  const column = (<usize>d) << 2;
  const u = args.u + ((row * args.uStride) << 2) + column;
  const delta = args.delta + ((row * args.deltaStride) << 2) + column;
  const z = args.z + ((row * args.zStride) << 2) + column;
  const registers = (count + 3) >> 2;
  for (let c = 0; c < count; c += 4) {
    const i = (<usize>c) << 2;
    let dt = loadLanes(delta + i, count - c);
    if (args.deltaBias) dt = f32x4.add(dt, loadLanes(args.deltaBias + column + i, count - c));
    v128.store(scratch + i, dt);
    if (args.z) v128.store(scratch + i, loadLanes(z + i, count - c), GATE);
  }
  if (args.deltaSoftplus) softplusRegisters(scratch, registers);
  if (args.z) siluRegisters(scratch + GATE, registers);
  for (let c = 0; c < count; c += 4) {
    const i = (<usize>c) << 2;
    v128.store(scratch + i, f32x4.mul(v128.load(scratch + i), loadLanes(u + i, count - c)), DTU);
  }
  const B = args.B + ((row * args.bStride) << 2);
  const C = args.C + ((row * args.cStride) << 2);
  const stateRow = (<usize>args.stateSize) << 2;
  let state = args.state + (row * args.channels + d) * stateRow;
  let A = args.A + <usize>d * stateRow;
  if (args.stateSize == 16) {
    // Without a loop inside of this one the constants of the exponentials stay in registers.
    for (let c: usize = 0; c < <usize>count; c++) {
      const from = scratch + (c << 2);
      const dt = f32x4.mul(v128.load32_splat(from), f32x4.splat(LOG2E));
      const dtu = v128.load32_splat(from, DTU);
      store<f32>(from, sumLanes(updateSixteen(state, A, B, C, dt, dtu, f32x4.splat(0))), Y);
      state += 64;
      A += 64;
    }
  } else {
    for (let c: usize = 0; c < <usize>count; c++) {
      const from = scratch + (c << 2);
      store<f32>(from, updateChannel(state, A, B, C, from, args.stateSize), Y);
      state += stateRow;
      A += stateRow;
    }
  }
  for (let c = 0; c < count; c += 4) {
    const i = (<usize>c) << 2;
    let y = v128.load(scratch + i, Y);
    if (args.D) y = madd(loadLanes(args.D + column + i, count - c), loadLanes(u + i, count - c), y);
    if (args.z) y = f32x4.mul(y, v128.load(scratch + i, GATE));
    storeLanes(args.y + ((row * args.channels) << 2) + column + i, y, count - c);
  }
}

/** Computes one channel, with dt at `from` and dt · u at `from` + DTU. Returns sum_n C[n] · h[n]. */
@inline
function updateChannel(state: usize, A: usize, B: usize, C: usize, from: usize, N: i32): f32 {
  const dt = f32x4.mul(v128.load32_splat(from), f32x4.splat(LOG2E));
  const dtu = v128.load32_splat(from, DTU);
  let sum = f32x4.splat(0);
  const whole = (<usize>N & ~3) << 2;
  let n: usize = 0;
  for (; n + 48 < whole; n += 64) sum = updateSixteen(state + n, A + n, B + n, C + n, dt, dtu, sum);
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

/** Computes sixteen numbers of the state of a channel, with `dt` times log2(e). Returns `sum` plus their products with C. */
@inline
function updateSixteen(state: usize, A: usize, B: usize, C: usize, dt: v128, dtu: v128, sum: v128): v128 {
  // Four independent registers at a time, for the reason given in activations.ts.
  const a0 = exp2Lanes(f32x4.mul(dt, v128.load(A)));
  const a1 = exp2Lanes(f32x4.mul(dt, v128.load(A, 16)));
  const a2 = exp2Lanes(f32x4.mul(dt, v128.load(A, 32)));
  const a3 = exp2Lanes(f32x4.mul(dt, v128.load(A, 48)));
  const h0 = madd(a0, v128.load(state), f32x4.mul(dtu, v128.load(B)));
  const h1 = madd(a1, v128.load(state, 16), f32x4.mul(dtu, v128.load(B, 16)));
  const h2 = madd(a2, v128.load(state, 32), f32x4.mul(dtu, v128.load(B, 32)));
  const h3 = madd(a3, v128.load(state, 48), f32x4.mul(dtu, v128.load(B, 48)));
  v128.store(state, h0);
  v128.store(state, h1, 16);
  v128.store(state, h2, 32);
  v128.store(state, h3, 48);
  sum = madd(h0, v128.load(C), sum);
  sum = madd(h1, v128.load(C, 16), sum);
  sum = madd(h2, v128.load(C, 32), sum);
  return madd(h3, v128.load(C, 48), sum);
}
