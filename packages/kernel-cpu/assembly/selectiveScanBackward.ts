import { gateBackward, softplusWithSlope } from "./activations.ts";
import { LOG2E } from "./exponentials.ts";
import { loadLanes, madd, storeLanes } from "./lanes.ts";
import { OptionalPointer, Pointer } from "./records.ts";
import { DTU, EA, GB, OUT, recompute, reverse, ROWS, Y } from "./scanBackwardPasses.ts";
import { CHANNELS, isBounded, REGISTERS, ROW, SAVED_STEPS, savedState, ScanInputs, stage } from "./scanInputs.ts";
import { fromLanes, sumChannels, toLanes, unstage } from "./scanLanes.ts";
import { findRuns, MAX_RUNS, ROW_OF_RUN, RUN, STEPS_OF_RUN } from "./scanRuns.ts";
import { idAt, idsOfRow, lastReal, runEnd } from "./sequences.ts";

// Backward of the selective scan. The forward saved h every SAVED_STEPS steps; time chunks go by from the last to the first, and
// in each the states are computed again from the saved one. With o = dy · silu(z) and r(l) = the gradient of h[l] from later
// positions:
//
//   g[l]   = o · C[l] + r(l)         r(l-1) = a[l] · g[l], a = exp(dt · A)    r(last) = dFinalState    r(-1): dInitialState
//   dC[l]  = sum_d o · h[l]          dB[l]  = sum_d g · dt · u
//   e      = a · g · h[l-1]          dA    += e · dt
//   d(dt)  = sum_n e · A + u · sum_n g · B          du = dt · sum_n g · B + D · o
//   dz     = dy · (sum_n C · h + D · u) · silu'(z)  dD += o · u
//
// With sequenceIds, the positions of one sequence within a time chunk are computed together: their rows in scratch follow each
// other, padding between them left out. A sequence that starts in the time chunk starts from h = 0, and ends there with r = 0.
//
// Registers hold four channels, as in scanInputs.ts. A unit is a group of channel chunks of one batch row. dB and dC are sums over
// channels, for which each unit has its own partial sums; dA, dD and dDeltaBias are sums over the batch, with partial sums for
// each batch row. The host adds them up in the order of the units.
//
// SAVED_STEPS = 64: the saved states then take N / 64 numbers for each number of u, a quarter of one activation with N = 16, and
// a, h, dB and dC of a time chunk fit L2. Measured on one thread at L 512, D 1536, N 16: 16 steps 25.6 ms, 32 steps 23.7, 64
// steps 23.6.

// Scratch: the rows of scanBackwardPasses.ts, where sum_n g · B later holds du and sum_n e · A' holds dDelta; then u, the slope of
// softplus, and dy · silu'(z), which later holds dz, as [SAVED_STEPS][CHANNELS]; dD and dDeltaBias as [CHANNELS]; A' = A · log2(e),
// r and dA as [REGISTERS][N][4]; a and h, then dB and dC, as [SAVED_STEPS (+ 1)][N][4].
// RUNS is the list of scanRuns.ts.
const U: usize = 6 * ROWS;
const SLOPE: usize = 7 * ROWS;
const DZ: usize = 8 * ROWS;
const D_SKIP: usize = 9 * ROWS;
const D_BIAS: usize = D_SKIP + ROW;
const RUNS: usize = D_BIAS + ROW;
const DECAY: usize = RUNS + <usize>MAX_RUNS * RUN;


@unmanaged
export class SelectiveScanBackwardArgs extends ScanInputs {
  dy!: Pointer; // f32 [batch, length, channels]
  dyStride!: i32;
  dFinalState!: OptionalPointer; // f32 [batch, channels, stateSize]
  unitChannels!: i32; // a multiple of CHANNELS
  du!: Pointer; // f32 [batch, length, channels]
  dDelta!: Pointer; // f32 [batch, length, channels]
  dA!: Pointer; // f32 [batch, channels, stateSize]: partial sums
  dB!: Pointer; // f32 [groups, batch, length, stateSize]: partial sums
  dC!: Pointer; // f32 [groups, batch, length, stateSize]: partial sums
  dD!: OptionalPointer; // f32 [batch, channels]: partial sums
  dz!: OptionalPointer; // f32 [batch, length, channels]
  dDeltaBias!: OptionalPointer; // f32 [batch, channels]: partial sums
  dInitialState!: OptionalPointer; // f32 [batch, channels, stateSize]
}

@inline
function groups(args: SelectiveScanBackwardArgs): i32 {
  return (args.channels + args.unitChannels - 1) / args.unitChannels;
}

export function selectiveScanBackwardUnits(args: SelectiveScanBackwardArgs): i32 {
  return args.batch * groups(args);
}

export function selectiveScanBackwardScratch(args: SelectiveScanBackwardArgs): i32 {
  const vectorBytes = args.stateSize << 4;
  return <i32>DECAY + (3 * REGISTERS + 4 * SAVED_STEPS + 1) * vectorBytes;
}

export function selectiveScanBackwardRun(args: SelectiveScanBackwardArgs, begin: i32, end: i32, scratch: usize): void {
  for (let unit = begin; unit < end; unit++) {
    const b = unit % args.batch;
    const first = (unit / args.batch) * args.unitChannels;
    const last = min(first + args.unitChannels, args.channels);
    // [groups, batch] is the order of the units.
    const sums = ((<usize>unit * args.length * args.stateSize) << 2);
    for (let d = first; d < last; d += CHANNELS) {
      backwardChannels(args, b, d, min(last - d, CHANNELS), args.dB + sums, args.dC + sums, d > first, scratch);
    }
  }
}

/** Computes channels [d, d + count) of batch row b. Sets dB and dC [length, N], or adds to them. */
function backwardChannels(
  args: SelectiveScanBackwardArgs,
  b: i32,
  d: i32,
  count: i32,
  dB: usize,
  dC: usize,
  add: bool,
  scratch: usize,
): void {
  const N = args.stateSize;
  const length = args.length;
  const ids = idsOfRow(args.sequenceIds, b, length);
  const vectorBytes = (<usize>N) << 4;
  const decay = scratch + DECAY;
  const carry = decay + <usize>REGISTERS * vectorBytes;
  const dA = carry + <usize>REGISTERS * vectorBytes;
  const stateAt = ((<usize>b * args.channels + d) * N) << 2;
  toLanes(decay, args.A + ((<usize>d * N) << 2), N, count, LOG2E);
  if (args.dFinalState) toLanes(carry, args.dFinalState + stateAt, N, count, 1);
  else memory.fill(carry, 0, <usize>REGISTERS * vectorBytes);
  memory.fill(dA, 0, <usize>REGISTERS * vectorBytes);
  memory.fill(scratch + D_SKIP, 0, 2 * ROW);
  for (let l = 0; ids && l < length; ) {
    const end = runEnd(ids, l, length);
    if (idAt(ids, l) < 0) {
      zeroRows(args, b, d, count, l, end);
      if (!add) zeroSums(dB, dC, l, end, N);
    }
    l = end;
  }
  for (let l = length; l > 0; ) l = backwardBefore(args, b, d, count, ids, l, dB, dC, add, scratch);
  fromLanes(args.dA + stateAt, dA, N, count);
  if (args.dInitialState) fromLanes(args.dInitialState + stateAt, carry, N, count);
  const channel = (<usize>b * args.channels + d) << 2;
  for (let c = 0; c < count; c += 4) {
    const i = (<usize>c) << 2;
    if (args.dD) storeLanes(args.dD + channel + i, v128.load(scratch + i, D_SKIP), count - c);
    if (args.dDeltaBias) storeLanes(args.dDeltaBias + channel + i, v128.load(scratch + i, D_BIAS), count - c);
  }
}

/**
 * Computes the positions before `end` that are of one sequence and in one time chunk. Returns the first one; 0 when there is no real
 * position.
 */
function backwardBefore(
  args: SelectiveScanBackwardArgs,
  b: i32,
  d: i32,
  count: i32,
  ids: usize,
  end: i32,
  dB: usize,
  dC: usize,
  add: bool,
  scratch: usize,
): i32 {
  const N = args.stateSize;
  const vectors = (count + 3) >> 2;
  const vectorBytes = (<usize>N) << 4;
  const decay = scratch + DECAY;
  const carry = decay + <usize>REGISTERS * vectorBytes;
  const dA = carry + <usize>REGISTERS * vectorBytes;
  const powers = dA + <usize>REGISTERS * vectorBytes;
  const states = powers + <usize>SAVED_STEPS * vectorBytes;
  const sumsB = states + <usize>(SAVED_STEPS + 1) * vectorBytes;
  const sumsC = sumsB + <usize>SAVED_STEPS * vectorBytes;

  const last = lastReal(ids, end);
  if (last < 0) return 0;
  const chunk = last / SAVED_STEPS;
  const runs = scratch + RUNS;
  const afterRuns = findRuns(ids, last, chunk * SAVED_STEPS, runs);
  const first = load<i32>(afterRuns - RUN);
  const before = lastReal(ids, first);
  const starts = before >= 0 && idAt(ids, before) != idAt(ids, first);

  let steps = 0;
  for (let run = afterRuns - RUN; run >= runs; run -= RUN) {
    store<i32>(run, steps, ROW_OF_RUN);
    const length = load<i32>(run, STEPS_OF_RUN);
    discretise(args, b, load<i32>(run), d, count, length, scratch + <usize>steps * ROW);
    steps += length;
  }
  memory.fill(sumsB, 0, <usize>steps * vectorBytes);
  memory.fill(sumsC, 0, <usize>steps * vectorBytes);
  for (let v = 0; v < vectors; v++) {
    const column = scratch + (v << 4);
    const at = <usize>v * vectorBytes;
    if (starts) memory.fill(states, 0, vectorBytes);
    else memory.copy(states, savedState(args, b, chunk, d + 4 * v), vectorBytes);
    const bounded = isBounded(column, decay + at, steps, N);
    for (let run = afterRuns - RUN; run >= runs; run -= RUN) {
      const B = rowOfB(args, b, run);
      const C = rowOfC(args, b, run);
      const length = load<i32>(run, STEPS_OF_RUN);
      const row = <usize>load<i32>(run, ROW_OF_RUN);
      const vector = row * vectorBytes;
      if (bounded) recompute(args, decay + at, powers + vector, states + vector, B, C, column + row * ROW, length, true);
      else recompute(args, decay + at, powers + vector, states + vector, B, C, column + row * ROW, length, false);
    }
    for (let run = runs; run < afterRuns; run += RUN) {
      const B = rowOfB(args, b, run);
      const C = rowOfC(args, b, run);
      const length = load<i32>(run, STEPS_OF_RUN);
      const row = <usize>load<i32>(run, ROW_OF_RUN);
      const vector = row * vectorBytes;
      reverse(
        args,
        decay + at,
        powers + vector,
        states + vector,
        carry + at,
        dA + at,
        sumsB + vector,
        sumsC + vector,
        B,
        C,
        column + row * ROW,
        length,
      );
    }
  }
  // No gradient flows from the first position of a sequence to the sequence before it.
  if (starts) memory.fill(carry, 0, <usize>vectors * vectorBytes);
  for (let run = runs; run < afterRuns; run += RUN) {
    const l = load<i32>(run);
    const length = load<i32>(run, STEPS_OF_RUN);
    const row = <usize>load<i32>(run, ROW_OF_RUN);
    const at = (<usize>l * N) << 2;
    sumChannels(dB + at, sumsB + row * vectorBytes, length * N, add);
    sumChannels(dC + at, sumsC + row * vectorBytes, length * N, add);
    finish(args, b, l, d, count, length, scratch, scratch + row * ROW);
  }
  return first;
}

@inline
function rowOfB(args: SelectiveScanBackwardArgs, b: i32, run: usize): usize {
  return args.B + (((<usize>b * args.length + load<i32>(run)) * args.bStride) << 2);
}

@inline
function rowOfC(args: SelectiveScanBackwardArgs, b: i32, run: usize): usize {
  return args.C + (((<usize>b * args.length + load<i32>(run)) * args.cStride) << 2);
}

/** Computes the elementwise values of positions [l, l + steps) that the recurrence needs, in the rows at `scratch`. */
function discretise(
  args: SelectiveScanBackwardArgs,
  b: i32,
  l: i32,
  d: i32,
  count: i32,
  steps: i32,
  scratch: usize,
): void {
  const row = <usize>b * args.length + l;
  const column = (<usize>d) << 2;
  stage(scratch, args.delta + ((row * args.deltaStride) << 2) + column, args.deltaStride, count, steps);
  stage(scratch + U, args.u + ((row * args.uStride) << 2) + column, args.uStride, count, steps);
  stage(scratch + OUT, args.dy + ((row * args.dyStride) << 2) + column, args.dyStride, count, steps);
  const end = scratch + <usize>steps * ROW;
  if (args.deltaBias) {
    for (let c = 0; c < count; c += 4) {
      const bias = loadLanes(args.deltaBias + column + (c << 2), count - c);
      for (let at = scratch + (c << 2); at < end; at += ROW) v128.store(at, f32x4.add(v128.load(at), bias));
    }
  }
  if (args.deltaSoftplus) softplusWithSlope(scratch, scratch + SLOPE, steps * REGISTERS);
  for (let at = scratch; at < end; at += 16) {
    v128.store(at, f32x4.mul(v128.load(at), v128.load(at, U)), DTU);
  }
  if (!args.z) return;
  stage(scratch + DZ, args.z + ((row * args.zStride) << 2) + column, args.zStride, count, steps);
  gateBackward(scratch + OUT, scratch + DZ, steps * REGISTERS);
}

/** Writes du, dDelta and dz of positions [l, l + steps), which have their rows at `rows`, and adds to dD and dDeltaBias. */
function finish(
  args: SelectiveScanBackwardArgs,
  b: i32,
  l: i32,
  d: i32,
  count: i32,
  steps: i32,
  scratch: usize,
  rows: usize,
): void {
  const ln2 = f32x4.splat(<f32>(1 / LOG2E));
  for (let c = 0; c < count; c += 4) {
    const D = args.D ? loadLanes(args.D + (<usize>(d + c) << 2), count - c) : f32x4.splat(0);
    const sums = scratch + ((<usize>c) << 2);
    const first = rows + ((<usize>c) << 2);
    const end = first + <usize>steps * ROW;
    let skip = f32x4.splat(0);
    let total = skip;
    for (let at = first; at < end; at += ROW) {
      const u = v128.load(at, U);
      const out = v128.load(at, OUT);
      const gB = v128.load(at, GB);
      v128.store(at, madd(D, out, f32x4.mul(v128.load(at), gB)), GB);
      let dDelta = madd(u, gB, f32x4.mul(ln2, v128.load(at, EA)));
      if (args.deltaSoftplus) dDelta = f32x4.mul(dDelta, v128.load(at, SLOPE));
      v128.store(at, dDelta, EA);
      total = f32x4.add(total, dDelta);
      skip = madd(out, u, skip);
      if (args.z) v128.store(at, f32x4.mul(madd(D, u, v128.load(at, Y)), v128.load(at, DZ)), DZ);
    }
    v128.store(sums, f32x4.add(v128.load(sums, D_SKIP), skip), D_SKIP);
    v128.store(sums, f32x4.add(v128.load(sums, D_BIAS), total), D_BIAS);
  }
  const to = ((<usize>b * args.length + l) * args.channels + d) << 2;
  unstage(args.du + to, rows + GB, args.channels, count, steps);
  unstage(args.dDelta + to, rows + EA, args.channels, count, steps);
  if (args.z) unstage(args.dz + to, rows + DZ, args.channels, count, steps);
}

/** Writes 0 to the gradients at the padded positions [from, to). */
function zeroRows(args: SelectiveScanBackwardArgs, b: i32, d: i32, count: i32, from: i32, to: i32): void {
  const bytes = (<usize>count) << 2;
  for (let l = from; l < to; l++) {
    const at = ((<usize>b * args.length + l) * args.channels + d) << 2;
    memory.fill(args.du + at, 0, bytes);
    memory.fill(args.dDelta + at, 0, bytes);
    if (args.dz) memory.fill(args.dz + at, 0, bytes);
  }
}

/** Writes 0 to dB and dC at the positions [from, to). */
function zeroSums(dB: usize, dC: usize, from: i32, to: i32, N: i32): void {
  const at = (<usize>from * N) << 2;
  const bytes = (<usize>(to - from) * N) << 2;
  memory.fill(dB + at, 0, bytes);
  memory.fill(dC + at, 0, bytes);
}
