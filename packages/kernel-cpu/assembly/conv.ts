import { ConvArgs } from "./args.ts";
import { siluBlock } from "./blocks.ts";
import { gatherLanes, loadLanes, madd, scatterLanes, siluLanes, storeLanes } from "./math.ts";
import { rangeEnd, rangeStart } from "./range.ts";

// Depthwise causal convolution, four channels to a register:
//
//   y[l] = act(bias + sum_k weight[k] · x[l - (W-1) + k])        inputs before the first: initialState, or 0
//
// A strip of 64 channels goes through time with its weights, transposed to [W][64], in L1. The inputs before the first
// step are laid out as W-1 rows of scratch, so that every tap is a row pointer and the loops know no special case.

export const STRIP: i32 = 64;
export const STRIP_BYTES: usize = 256;
const STEPS: i32 = 256;
export const MAX_WIDTH: usize = 16;

// Scratch: weights [W][64], history [W-1][64], row pointers [W].
export const HISTORY: usize = MAX_WIDTH * STRIP_BYTES;
const TAPS: usize = 2 * HISTORY;

export function causalConv1dUnits(at: usize): i32 {
  const args = changetype<ConvArgs>(at);
  return args.batch * strips(args) * timeBlocks(args);
}

export function causalConv1dScratch(at: usize): i32 {
  return <i32>TAPS + 64;
}

@inline
function strips(args: ConvArgs): i32 {
  return (args.channels + STRIP - 1) / STRIP;
}

/** At least one, so that the final state is also written when there is no time at all. */
@inline
function timeBlocks(args: ConvArgs): i32 {
  return max((args.length + STEPS - 1) / STEPS, 1);
}

export function causalConv1dRange(at: usize, begin: i32, end: i32, scratch: usize): void {
  const args = changetype<ConvArgs>(at);
  const blocks = timeBlocks(args);
  const perRow = strips(args) * blocks;
  for (let unit = begin; unit < end; unit++) {
    const b = unit / perRow;
    const inRow = unit % perRow;
    const d = (inRow / blocks) * STRIP;
    const block = inRow % blocks;
    convolve(args, b, d, min(args.channels - d, STRIP), block * STEPS, scratch);
    if (block == 0 && args.finalState) keepState(args, b, d, min(args.channels - d, STRIP));
  }
}

/** Channels [d, d + count) of batch row b, STEPS steps from `from` on. */
function convolve(args: ConvArgs, b: i32, d: i32, count: i32, from: i32, scratch: usize): void {
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
      const tap = t >= start ? x + <usize>t * xStep : scratch + HISTORY + <usize>(t - start + W - 1) * STRIP_BYTES;
      store<usize>(taps + (k << 2), tap);
    }
    if (W == 4) rowOfFour(args, d, count, row, scratch);
    else rowOfAny(args, d, count, row, scratch);
  }
}

/** Weights and history of a strip. */
export function stage(args: ConvArgs, b: i32, d: i32, count: i32, scratch: usize): void {
  const W = args.width;
  const weightRow = (<usize>W) << 2;
  const stateRow = weightRow - 4;
  for (let c = 0; c < count; c += 4) {
    const lanes = count - c;
    const weight = args.weight + <usize>(d + c) * weightRow;
    const state = args.initialState + (<usize>b * args.channels + d + c) * stateRow;
    const to = scratch + (c << 2);
    for (let k = 0; k < W; k++) {
      v128.store(to + <usize>k * STRIP_BYTES, gatherLanes(weight + (k << 2), weightRow, lanes));
      if (k == W - 1) break;
      const past = args.initialState ? gatherLanes(state + (k << 2), stateRow, lanes) : f32x4.splat(0);
      v128.store(to + HISTORY + <usize>k * STRIP_BYTES, past);
    }
  }
}

function rowOfFour(args: ConvArgs, d: i32, count: i32, y: usize, scratch: usize): void {
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
    sum = madd(v128.load(scratch + i, STRIP_BYTES), v128.load(x1 + i), sum);
    sum = madd(v128.load(scratch + i, 2 * STRIP_BYTES), v128.load(x2 + i), sum);
    sum = madd(v128.load(scratch + i, 3 * STRIP_BYTES), v128.load(x3 + i), sum);
    v128.store(y + i, sum);
  }
  if (args.silu) siluBlock(y, count >> 2);
  if (count & 3) lastLanes(args, d, count, i, y, scratch);
}

function rowOfAny(args: ConvArgs, d: i32, count: i32, y: usize, scratch: usize): void {
  const W = <usize>args.width;
  const bias = args.bias ? args.bias + ((<usize>d) << 2) : 0;
  const whole = (<usize>count & ~3) << 2;
  let i: usize = 0;
  for (; i < whole; i += 16) {
    let sum = bias ? v128.load(bias + i) : f32x4.splat(0);
    for (let k: usize = 0; k < W; k++) {
      const x = load<usize>(scratch + (k << 2), TAPS);
      sum = madd(v128.load(scratch + k * STRIP_BYTES + i), v128.load(x + i), sum);
    }
    v128.store(y + i, sum);
  }
  if (args.silu) siluBlock(y, count >> 2);
  if (count & 3) lastLanes(args, d, count, i, y, scratch);
}

/** The one to three channels behind the last whole register, at byte i of the strip. */
function lastLanes(args: ConvArgs, d: i32, count: i32, i: usize, y: usize, scratch: usize): void {
  const rest = count & 3;
  let sum = args.bias ? loadLanes(args.bias + ((<usize>d) << 2) + i, rest) : f32x4.splat(0);
  for (let k: usize = 0; k < <usize>args.width; k++) {
    const x = load<usize>(scratch + (k << 2), TAPS);
    sum = madd(v128.load(scratch + k * STRIP_BYTES + i), loadLanes(x + i, rest), sum);
  }
  storeLanes(y + i, args.silu ? siluLanes(sum) : sum, rest);
}

/** The last W-1 inputs, oldest first; where there were fewer, the initial state moves up. */
function keepState(args: ConvArgs, b: i32, d: i32, count: i32): void {
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

const STEP_CHANNELS: i32 = 512;

export function causalConv1dStepUnits(at: usize): i32 {
  const args = changetype<ConvArgs>(at);
  return args.batch * ((args.channels + STEP_CHANNELS - 1) / STEP_CHANNELS);
}

export function causalConv1dStepScratch(at: usize): i32 {
  return 0;
}

/** One token; the state is shifted in place. The sums have the order of causalConv1d. */
export function causalConv1dStepRange(at: usize, begin: i32, end: i32, scratch: usize): void {
  const args = changetype<ConvArgs>(at);
  const W = args.width;
  const weightRow = (<usize>W) << 2;
  const stateRow = weightRow - 4;
  const perRow = (args.channels + STEP_CHANNELS - 1) / STEP_CHANNELS;
  for (let unit = begin; unit < end; unit++) {
    const b = unit / perRow;
    const first = (unit % perRow) * STEP_CHANNELS;
    const last = min(first + STEP_CHANNELS, args.channels);
    for (let d = first; d < last; d += 4) {
      const lanes = last - d;
      const column = (<usize>d) << 2;
      const x = loadLanes(args.x + ((<usize>b * args.xStride) << 2) + column, lanes);
      const weight = args.weight + <usize>d * weightRow;
      const state = args.finalState + (<usize>b * args.channels + d) * stateRow;
      let sum = args.bias ? loadLanes(args.bias + column, lanes) : f32x4.splat(0);
      for (let k = 0; k < W; k++) {
        const tap = k == W - 1 ? x : gatherLanes(state + (k << 2), stateRow, lanes);
        if (k > 0) scatterLanes(state + ((k - 1) << 2), stateRow, tap, lanes);
        sum = madd(gatherLanes(weight + (k << 2), weightRow, lanes), tap, sum);
      }
      if (args.silu) sum = siluLanes(sum);
      storeLanes(args.y + ((<usize>b * args.channels) << 2) + column, sum, lanes);
    }
  }
}
