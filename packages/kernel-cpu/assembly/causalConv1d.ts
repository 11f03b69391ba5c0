import { siluRegisters } from "./activations.ts";
import { CHANNELS, ConvInputs, HISTORY, MAX_WIDTH, ROW, stage } from "./convInputs.ts";
import { siluLanes } from "./exponentials.ts";
import { loadLanes, madd, storeLanes } from "./lanes.ts";
import { OptionalPointer, Pointer } from "./records.ts";
import { idAt, idsOfRow, lastReal } from "./sequences.ts";

// Depthwise causal convolution, four channels in a register:
//
//   y[l] = act(bias + sum_k weight[k] · x[l - (W-1) + k])        inputs before the first: initialState, or 0
//
// With sequenceIds, l counts the real positions of one sequence, and the inputs before the first are 0 in all sequences of a row
// but the first.
//
// A unit is a chunk of channels of one batch row, over a chunk of time.

/** Positions of one chunk. */
const STEPS: i32 = 256;

/** Offset in scratch of W pointers to the rows that one position reads. */
const TAPS: usize = 2 * HISTORY;

/** Offset in scratch of a row of zeros: an input before a sequence. */
const ZEROS: usize = TAPS + MAX_WIDTH * 4;

@unmanaged
export class CausalConv1dArgs extends ConvInputs {
  y!: Pointer; // f32 [batch, length, channels]
  finalState!: OptionalPointer; // f32 [batch, channels, width - 1]; overlaps neither initialState nor x
}

export function causalConv1dUnits(args: CausalConv1dArgs): i32 {
  return args.batch * channelChunks(args) * timeChunks(args);
}

export function causalConv1dScratch(args: CausalConv1dArgs): i32 {
  return <i32>(ZEROS + ROW);
}

@inline
function channelChunks(args: CausalConv1dArgs): i32 {
  return (args.channels + CHANNELS - 1) / CHANNELS;
}

/** At least 1, so that the final state is also written when length is 0. */
@inline
function timeChunks(args: CausalConv1dArgs): i32 {
  return max((args.length + STEPS - 1) / STEPS, 1);
}

export function causalConv1dRun(args: CausalConv1dArgs, begin: i32, end: i32, scratch: usize): void {
  const chunks = timeChunks(args);
  const perRow = channelChunks(args) * chunks;
  for (let unit = begin; unit < end; unit++) {
    const b = unit / perRow;
    const inRow = unit % perRow;
    const d = (inRow / chunks) * CHANNELS;
    const chunk = inRow % chunks;
    convolve(args, b, d, min(args.channels - d, CHANNELS), chunk * STEPS, scratch);
    if (chunk == 0 && args.finalState) keepState(args, b, d, min(args.channels - d, CHANNELS), scratch);
  }
}

/** Computes channels [d, d + count) of batch row b at STEPS positions from `from` on. */
function convolve(args: CausalConv1dArgs, b: i32, d: i32, count: i32, from: i32, scratch: usize): void {
  const W = args.width;
  const ids = idsOfRow(args.sequenceIds, b, args.length);
  const xStep = (<usize>args.xStride) << 2;
  const x = args.x + <usize>b * args.length * xStep + ((<usize>d) << 2);
  const yStep = (<usize>args.channels) << 2;
  const y = args.y + <usize>b * args.length * yStep + ((<usize>d) << 2);
  const to = min(from + STEPS, args.length);
  stage(args, b, d, count, scratch);
  memory.fill(scratch + ZEROS, 0, ROW);
  const taps = scratch + TAPS;
  const newest = taps + ((<usize>(W - 1)) << 2);
  // The number of the last real position; -1 until the taps of one are known.
  let sequence = -1;
  for (let l = from; l < to; l++) {
    const row = y + <usize>l * yStep;
    const id = idAt(ids, l);
    if (id < 0) {
      memory.fill(row, 0, (<usize>count) << 2);
      continue;
    }
    if (sequence < 0) sequence = tapsBefore(args, x, ids, l, id, scratch);
    else for (let tap = taps; tap < newest; tap += 4) store<usize>(tap, load<usize>(tap, 4));
    if (id != sequence) fillZeros(taps, newest, scratch);
    sequence = id;
    store<usize>(newest, x + <usize>l * xStep);
    if (W == 4) rowOfFour(args, d, count, row, scratch);
    else rowOfAny(args, d, count, row, scratch);
  }
}

/**
 * Points the first W - 1 taps to the last inputs before position l, of the sequence of the last real one. Returns the number of
 * that sequence, or `id` when l is the first real position.
 */
function tapsBefore(args: CausalConv1dArgs, x: usize, ids: usize, l: i32, id: i32, scratch: usize): i32 {
  const xStep = (<usize>args.xStride) << 2;
  const taps = scratch + TAPS;
  let t = lastReal(ids, l);
  const sequence = t >= 0 ? idAt(ids, t) : id;
  let k = args.width - 2;
  for (; k >= 0 && t >= 0 && idAt(ids, t) == sequence; k--) {
    store<usize>(taps + (k << 2), x + <usize>t * xStep);
    t = lastReal(ids, t);
  }
  // The sequence has no more inputs: the first one of the row goes on from the initial state.
  if (t >= 0) fillZeros(taps, taps + ((k + 1) << 2), scratch);
  else {
    let history = scratch + HISTORY + <usize>(args.width - 2) * ROW;
    for (; k >= 0; k--) {
      store<usize>(taps + (k << 2), history);
      history -= ROW;
    }
  }
  return sequence;
}

/** Points the taps [from, to) to zeros. */
function fillZeros(from: usize, to: usize, scratch: usize): void {
  for (; from < to; from += 4) store<usize>(from, scratch + ZEROS);
}

function rowOfFour(args: CausalConv1dArgs, d: i32, count: i32, y: usize, scratch: usize): void {
  const x0 = load<usize>(scratch, TAPS);
  const x1 = load<usize>(scratch, TAPS + 4);
  const x2 = load<usize>(scratch, TAPS + 8);
  const x3 = load<usize>(scratch, TAPS + 12);
  const bias = args.bias ? args.bias + ((<usize>d) << 2) : 0;
  const whole = (<usize>count & ~3) << 2;
  let i: usize = 0;
  for (; i < whole; i += 16) {
    let sum = bias ? v128.load(bias + i) : f32x4.splat(0);
    sum = madd(v128.load(scratch + i), v128.load(x0 + i), sum);
    sum = madd(v128.load(scratch + i, ROW), v128.load(x1 + i), sum);
    sum = madd(v128.load(scratch + i, 2 * ROW), v128.load(x2 + i), sum);
    sum = madd(v128.load(scratch + i, 3 * ROW), v128.load(x3 + i), sum);
    v128.store(y + i, sum);
  }
  if (args.silu) siluRegisters(y, count >> 2);
  if (count & 3) lastLanes(args, d, count, i, y, scratch);
}

function rowOfAny(args: CausalConv1dArgs, d: i32, count: i32, y: usize, scratch: usize): void {
  const W = <usize>args.width;
  const bias = args.bias ? args.bias + ((<usize>d) << 2) : 0;
  const whole = (<usize>count & ~3) << 2;
  let i: usize = 0;
  for (; i < whole; i += 16) {
    let sum = bias ? v128.load(bias + i) : f32x4.splat(0);
    for (let k: usize = 0; k < W; k++) {
      const x = load<usize>(scratch + (k << 2), TAPS);
      sum = madd(v128.load(scratch + k * ROW + i), v128.load(x + i), sum);
    }
    v128.store(y + i, sum);
  }
  if (args.silu) siluRegisters(y, count >> 2);
  if (count & 3) lastLanes(args, d, count, i, y, scratch);
}

/** Computes the one to three channels after the last whole register, at byte i of the chunk. */
function lastLanes(args: CausalConv1dArgs, d: i32, count: i32, i: usize, y: usize, scratch: usize): void {
  const rest = count & 3;
  let sum = args.bias ? loadLanes(args.bias + ((<usize>d) << 2) + i, rest) : f32x4.splat(0);
  for (let k: usize = 0; k < <usize>args.width; k++) {
    const x = load<usize>(scratch + (k << 2), TAPS);
    sum = madd(v128.load(scratch + k * ROW + i), loadLanes(x + i, rest), sum);
  }
  storeLanes(y + i, args.silu ? siluLanes(sum) : sum, rest);
}

/** Writes the last W - 1 inputs of the last sequence, oldest first. */
function keepState(args: CausalConv1dArgs, b: i32, d: i32, count: i32, scratch: usize): void {
  const past = args.width - 1;
  const x = args.x + ((<usize>b * args.length * args.xStride + d) << 2);
  tapsBefore(args, x, idsOfRow(args.sequenceIds, b, args.length), args.length, 0, scratch);
  for (let c = 0; c < count; c++) {
    const state = args.finalState + ((<usize>(b * args.channels + d + c) * past) << 2);
    for (let k = 0; k < past; k++) {
      const tap = load<usize>(scratch + (k << 2), TAPS);
      store<f32>(state + (k << 2), load<f32>(tap + (c << 2)));
    }
  }
}
