import { siluRegisters, softplusRegisters } from "./activations.ts";
import { LOG2E } from "./exponentials.ts";
import { gatherLanes, loadLanes, madd, scatterLanes, storeLanes } from "./lanes.ts";
import { OptionalPointer, Pointer } from "./records.ts";
import {
  CHANNELS,
  isBounded,
  power,
  REGISTERS,
  ROW,
  SAVED_STEPS,
  savedState,
  ScanInputs,
  stage,
} from "./scanInputs.ts";
import { idAt, idsOfRow, runEnd } from "./sequences.ts";

// Selective scan (Mamba paper, algorithm 2):
//
//   dt   = softplus(delta + deltaBias), or without the softplus
//   h[n] = exp(dt · A[n]) · h[n] + dt · B[n] · u
//   y    = (sum_n C[n] · h[n] + D · u) · silu(z)
//
// A chunk of 32 channels goes through time in chunks of 16 steps: first everything that is elementwise, then the recurrence with
// h and A in L1, then the gate. Rows are far apart in memory, so each pass reads them in a loop that does little else: the cache
// misses overlap. On request the states at multiples of SAVED_STEPS are saved for the backward.
//
// With sequenceIds, h starts from zeros at the first position of a sequence, and time chunks end where the numbers change. h does not
// change at padding.

/** Steps of one time chunk; divides SAVED_STEPS. */
const STEPS: i32 = 16;

// Scratch of a chunk: dt, dt · u, y and silu(z) as [STEPS][CHANNELS], then A · log2(e) and h as [REGISTERS][N][4].
const STEPS_BYTES: usize = <usize>STEPS * ROW;
const DTU: usize = STEPS_BYTES;
const Y: usize = 2 * STEPS_BYTES;
const GATE: usize = 3 * STEPS_BYTES;
const DECAY: usize = 4 * STEPS_BYTES;

@unmanaged
export class SelectiveScanArgs extends ScanInputs {
  y!: Pointer; // f32 [batch, length, channels]
  finalState!: OptionalPointer; // f32 [batch, channels, stateSize]; may be initialState
}

/** Channels in one unit: a multiple of CHANNELS, with about 20 µs of work. */
@inline
function unitChannels(args: SelectiveScanArgs): i32 {
  const perChunk = max(args.length * args.stateSize, 1);
  return CHANNELS * min(max(2048 / perChunk, 1), (args.channels + CHANNELS - 1) / CHANNELS);
}

export function selectiveScanUnits(args: SelectiveScanArgs): i32 {
  const width = unitChannels(args);
  return args.batch * ((args.channels + width - 1) / width);
}

export function selectiveScanScratch(args: SelectiveScanArgs): i32 {
  return <i32>DECAY + args.stateSize * CHANNELS * 4 * 2;
}

export function selectiveScanRun(args: SelectiveScanArgs, begin: i32, end: i32, scratch: usize): void {
  const width = unitChannels(args);
  const perRow = (args.channels + width - 1) / width;
  for (let unit = begin; unit < end; unit++) {
    const b = unit / perRow;
    const first = (unit % perRow) * width;
    const last = min(first + width, args.channels);
    for (let d = first; d < last; d += CHANNELS) scanChannels(args, b, d, min(last - d, CHANNELS), scratch);
  }
}

/** Computes channels [d, d + count) of batch row b at all positions. */
function scanChannels(args: SelectiveScanArgs, b: i32, d: i32, count: i32, scratch: usize): void {
  const N = args.stateSize;
  const length = args.length;
  const ids = idsOfRow(args.sequenceIds, b, length);
  const vectors = (count + 3) >> 2;
  const vectorBytes = (<usize>N) << 4;
  const decay = scratch + DECAY;
  const state = decay + <usize>REGISTERS * vectorBytes;
  const rowBytes = (<usize>N) << 2;
  const stateAt = ((<usize>b * args.channels + d) * N) << 2;
  for (let v = 0; v < vectors; v++) {
    const lanes = count - 4 * v;
    const from = <usize>(4 * v) * rowBytes;
    for (let n = 0; n < N; n++) {
      const column = from + ((<usize>n) << 2);
      const a = gatherLanes(args.A + (<usize>d * N << 2) + column, rowBytes, lanes);
      const h = args.initialState
        ? gatherLanes(args.initialState + stateAt + column, rowBytes, lanes)
        : f32x4.splat(0);
      const to = <usize>v * vectorBytes + ((<usize>n) << 4);
      v128.store(decay + to, f32x4.mul(a, f32x4.splat(LOG2E)));
      v128.store(state + to, h);
    }
  }
  // The number of the last real position, -1 before the first.
  let sequence = -1;
  let saved = 0;
  for (let l = 0, end = 0, steps = 0; l < length; l += steps) {
    if (l == end) {
      end = runEnd(ids, l, length);
      const id = idAt(ids, l);
      if (id < 0) {
        zeroRows(args, b, d, count, l, end);
        steps = end - l;
        continue;
      }
      if (sequence >= 0 && id != sequence) memory.fill(state, 0, <usize>vectors * vectorBytes);
      sequence = id;
    }
    steps = min(end - l, STEPS);
    if (args.states) {
      // The backward reads the state of a chunk that has a real position of the sequence before it.
      for (; saved * SAVED_STEPS <= l; saved++) {
        memory.copy(savedState(args, b, saved, d), state, <usize>vectors * vectorBytes);
      }
      steps = min(steps, saved * SAVED_STEPS - l);
    }
    discretise(args, b, d, count, l, steps, scratch);
    const row = <usize>b * length + l;
    const B = args.B + ((row * args.bStride) << 2);
    const C = args.C + ((row * args.cStride) << 2);
    for (let v = 0; v < vectors; v++) {
      const to = <usize>v * vectorBytes;
      const from = scratch + (v << 4);
      if (isBounded(from, decay + to, steps, N)) recur(args, decay + to, state + to, B, C, from, steps, true);
      else recur(args, decay + to, state + to, B, C, from, steps, false);
    }
    gate(args, b, d, count, l, steps, scratch);
  }
  if (!args.finalState) return;
  for (let v = 0; v < vectors; v++) {
    for (let n = 0; n < N; n++) {
      const h = v128.load(state + <usize>v * vectorBytes + ((<usize>n) << 4));
      const to = args.finalState + stateAt + <usize>(4 * v) * rowBytes + ((<usize>n) << 2);
      scatterLanes(to, rowBytes, h, count - 4 * v);
    }
  }
}

/** Computes dt, dt · u and silu(z) of a time chunk in scratch. */
function discretise(args: SelectiveScanArgs, b: i32, d: i32, count: i32, l: i32, steps: i32, scratch: usize): void {
  const row = <usize>b * args.length + l;
  const column = (<usize>d) << 2;
  stage(scratch, args.delta + ((row * args.deltaStride) << 2) + column, args.deltaStride, count, steps);
  stage(scratch + DTU, args.u + ((row * args.uStride) << 2) + column, args.uStride, count, steps);
  if (args.z) {
    stage(scratch + GATE, args.z + ((row * args.zStride) << 2) + column, args.zStride, count, steps);
    siluRegisters(scratch + GATE, steps * REGISTERS);
  }
  if (args.deltaBias) {
    for (let c = 0; c < count; c += 4) {
      const bias = loadLanes(args.deltaBias + column + (c << 2), count - c);
      const from = scratch + (c << 2);
      const end = from + <usize>steps * ROW;
      for (let at = from; at < end; at += ROW) v128.store(at, f32x4.add(v128.load(at), bias));
    }
  }
  if (args.deltaSoftplus) softplusRegisters(scratch, steps * REGISTERS);
  const end = scratch + <usize>steps * ROW;
  for (let at = scratch; at < end; at += 16) {
    v128.store(at, f32x4.mul(v128.load(at), v128.load(at, DTU)), DTU);
  }
}

/** Computes the recurrence of four channels over a time chunk, with sum_n C[n] · h[n] in the rows of y in scratch. */
@inline
function recur(
  args: SelectiveScanArgs,
  decay: usize,
  state: usize,
  B: usize,
  C: usize,
  scratch: usize,
  steps: i32,
  bounded: bool,
): void {
  const N = <usize>args.stateSize << 2;
  const whole = N & ~15;
  const bStep = (<usize>args.bStride) << 2;
  const cStep = (<usize>args.cStride) << 2;
  for (let t = 0; t < steps; t++) {
    const dt = v128.load(scratch);
    const dtu = v128.load(scratch, DTU);
    let y = f32x4.splat(0);
    let n: usize = 0;
    // Four independent n at a time, for the reason given in activations.ts.
    for (; n < whole; n += 16) {
      const from = decay + (n << 2);
      const h = state + (n << 2);
      const b = B + n;
      const c = C + n;
      const a0 = power(f32x4.mul(dt, v128.load(from)), bounded);
      const a1 = power(f32x4.mul(dt, v128.load(from, 16)), bounded);
      const a2 = power(f32x4.mul(dt, v128.load(from, 32)), bounded);
      const a3 = power(f32x4.mul(dt, v128.load(from, 48)), bounded);
      const h0 = madd(a0, v128.load(h), f32x4.mul(dtu, v128.load32_splat(b)));
      const h1 = madd(a1, v128.load(h, 16), f32x4.mul(dtu, v128.load32_splat(b, 4)));
      const h2 = madd(a2, v128.load(h, 32), f32x4.mul(dtu, v128.load32_splat(b, 8)));
      const h3 = madd(a3, v128.load(h, 48), f32x4.mul(dtu, v128.load32_splat(b, 12)));
      v128.store(h, h0);
      v128.store(h, h1, 16);
      v128.store(h, h2, 32);
      v128.store(h, h3, 48);
      y = madd(h0, v128.load32_splat(c), y);
      y = madd(h1, v128.load32_splat(c, 4), y);
      y = madd(h2, v128.load32_splat(c, 8), y);
      y = madd(h3, v128.load32_splat(c, 12), y);
    }
    for (; n < N; n += 4) {
      const a = power(f32x4.mul(dt, v128.load(decay + (n << 2))), bounded);
      const h = madd(a, v128.load(state + (n << 2)), f32x4.mul(dtu, v128.load32_splat(B + n)));
      v128.store(state + (n << 2), h);
      y = madd(h, v128.load32_splat(C + n), y);
    }
    v128.store(scratch, y, Y);
    B += bStep;
    C += cStep;
    scratch += ROW;
  }
}

/** Writes (y + D · u) · silu(z) of a time chunk. */
function gate(args: SelectiveScanArgs, b: i32, d: i32, count: i32, l: i32, steps: i32, scratch: usize): void {
  const row = <usize>b * args.length + l;
  const uStep = (<usize>args.uStride) << 2;
  const yStep = (<usize>args.channels) << 2;
  for (let c = 0; c < count; c += 4) {
    const lanes = count - c;
    const D = args.D ? loadLanes(args.D + ((d + c) << 2), lanes) : f32x4.splat(0);
    let u = args.u + row * uStep + ((d + c) << 2);
    let to = args.y + row * yStep + ((d + c) << 2);
    let from = scratch + (c << 2);
    for (let t = 0; t < steps; t++) {
      let y = v128.load(from, Y);
      if (args.D) y = madd(D, loadLanes(u, lanes), y);
      if (args.z) y = f32x4.mul(y, v128.load(from, GATE));
      storeLanes(to, y, lanes);
      u += uStep;
      to += yStep;
      from += ROW;
    }
  }
}

/** Writes y = 0 at the padded positions [from, to). */
function zeroRows(args: SelectiveScanArgs, b: i32, d: i32, count: i32, from: i32, to: i32): void {
  for (let l = from; l < to; l++) {
    const row = <usize>b * args.length + l;
    memory.fill(args.y + ((row * args.channels + d) << 2), 0, (<usize>count) << 2);
  }
}
