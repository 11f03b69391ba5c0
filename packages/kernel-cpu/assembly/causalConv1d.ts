import { siluRegisters } from "./activations.ts";
import { CHANNELS, ConvInputs, HISTORY, ROW, stage } from "./convInputs.ts";
import { siluLanes } from "./exponentials.ts";
import { loadLanes, madd, storeLanes } from "./lanes.ts";
import { rangeEnd, rangeStart } from "./range.ts";
import { OptionalPointer, Pointer } from "./records.ts";

// Depthwise causal convolution, four channels in a register:
//
//   y[l] = act(bias + sum_k weight[k] · x[l - (W-1) + k])        inputs before the first: initialState, or 0
//
// A unit is a chunk of channels of one batch row, over a chunk of time.

/** Positions of one chunk. */
const STEPS: i32 = 256;

/** Offset in scratch of W pointers to the rows that one position reads. */
const TAPS: usize = 2 * HISTORY;

@unmanaged
export class CausalConv1dArgs extends ConvInputs {
  y!: Pointer; // f32 [batch, length, channels]
  finalState!: OptionalPointer; // f32 [batch, channels, width - 1]; overlaps neither initialState nor x
}

export function causalConv1dUnits(args: CausalConv1dArgs): i32 {
  return args.batch * channelChunks(args) * timeChunks(args);
}

export function causalConv1dScratch(args: CausalConv1dArgs): i32 {
  return <i32>TAPS + 64;
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
    if (chunk == 0 && args.finalState) keepState(args, b, d, min(args.channels - d, CHANNELS));
  }
}

/** Computes channels [d, d + count) of batch row b at STEPS positions from `from` on. */
function convolve(args: CausalConv1dArgs, b: i32, d: i32, count: i32, from: i32, scratch: usize): void {
  const W = args.width;
  const start = rangeStart(args.range, b, args.length);
  const end = rangeEnd(args.range, b, args.length);
  const xStep = (<usize>args.xStride) << 2;
  const x = args.x + <usize>b * args.length * xStep + ((<usize>d) << 2);
  const yStep = (<usize>args.channels) << 2;
  const y = args.y + <usize>b * args.length * yStep + ((<usize>d) << 2);
  const to = min(from + STEPS, args.length);
  stage(args, b, d, count, scratch);
  const taps = scratch + TAPS;
  for (let l = from; l < to; l++) {
    const row = y + <usize>l * yStep;
    if (l < start || l >= end) {
      memory.fill(row, 0, (<usize>count) << 2);
      continue;
    }
    for (let k = 0; k < W; k++) {
      const t = l - (W - 1) + k;
      const tap = t >= start ? x + <usize>t * xStep : scratch + HISTORY + <usize>(t - start + W - 1) * ROW;
      store<usize>(taps + (k << 2), tap);
    }
    if (W == 4) rowOfFour(args, d, count, row, scratch);
    else rowOfAny(args, d, count, row, scratch);
  }
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

/** Writes the last W - 1 inputs, oldest first. When there are fewer, the end of the initial state precedes them. */
function keepState(args: CausalConv1dArgs, b: i32, d: i32, count: i32): void {
  const past = args.width - 1;
  const start = rangeStart(args.range, b, args.length);
  const end = rangeEnd(args.range, b, args.length);
  const x = args.x + ((<usize>b * args.length * args.xStride) << 2);
  for (let c = d; c < d + count; c++) {
    const state = ((<usize>b * args.channels + c) * past) << 2;
    for (let j = 0; j < past; j++) {
      const t = end - past + j;
      let value: f32 = 0;
      if (t >= start) value = load<f32>(x + ((<usize>t * args.xStride + c) << 2));
      else if (args.initialState) value = load<f32>(args.initialState + state + ((t - start + past) << 2));
      store<f32>(args.finalState + state + ((<usize>j) << 2), value);
    }
  }
}
