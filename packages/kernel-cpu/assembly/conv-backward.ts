import { ConvArgs } from "./args.ts";
import { HISTORY, MAX_WIDTH, stage, STRIP, STRIP_BYTES } from "./conv.ts";
import { gatherLanes, loadLanes, madd, scatterLanes, siluDerivative, storeLanes } from "./math.ts";
import { rangeEnd, rangeStart } from "./range.ts";

// Backward of the depthwise causal convolution, with P = W - 1 inputs before the first:
//
//   g[l]       = dy[l] · act'(bias + sum_k weight[k] · x[l - P + k])
//   dx[t]      = sum_k weight[k] · g[t + P - k]          for t < 0 this is the gradient of the initial state
//   dWeight[k] = sum_l g[l] · x[l - P + k]               dBias = sum_l g[l]
//
// and the gradient of the final state goes to the inputs that it holds. A strip of 64 channels goes through time in
// blocks of 32 steps. x and g of a block lie in scratch behind the last P rows of the block before, so that every shift
// is a row further up; dx is thus P steps behind, and a last block of P rows without g catches up.
//
// A unit is a strip of one batch row. Its dWeight and dBias are partial sums, which the caller adds up over the batch.

const BLOCK: i32 = 32;
const ROWS: usize = (MAX_WIDTH + <usize>BLOCK) * STRIP_BYTES;

// Scratch: weights [W][64], x [P + BLOCK][64], g [P + BLOCK][64], dWeight [W][64], dBias [64].
const G: usize = HISTORY + ROWS;
const D_WEIGHT: usize = G + ROWS;
const D_BIAS: usize = D_WEIGHT + MAX_WIDTH * STRIP_BYTES;

/** The fields `y` and `finalState` are not used. */
@unmanaged
export class ConvBackwardArgs extends ConvArgs {
  /* 13 */ dy!: usize; // f32 [batch, length, channels]
  /* 14 */ dyStride!: i32;
  /* 15 */ dFinalState!: usize; // f32 [batch, channels, width - 1], or 0
  /* 16 */ dx!: usize; // f32 [batch, length, channels]
  /* 17 */ dWeight!: usize; // f32 [batch, channels, width]: partial sums
  /* 18 */ dBias!: usize; // f32 [batch, channels]: partial sums; or 0
  /* 19 */ dInitialState!: usize; // f32 [batch, channels, width - 1], or 0
}

export function causalConv1dBackwardUnits(at: usize): i32 {
  const args = changetype<ConvBackwardArgs>(at);
  return args.batch * ((args.channels + STRIP - 1) / STRIP);
}

export function causalConv1dBackwardScratch(at: usize): i32 {
  return <i32>(D_BIAS + STRIP_BYTES);
}

export function causalConv1dBackwardRange(at: usize, begin: i32, end: i32, scratch: usize): void {
  const args = changetype<ConvBackwardArgs>(at);
  const perRow = (args.channels + STRIP - 1) / STRIP;
  for (let unit = begin; unit < end; unit++) {
    const d = (unit % perRow) * STRIP;
    backStrip(args, unit / perRow, d, min(args.channels - d, STRIP), scratch);
  }
}

/** Channels [d, d + count) of batch row b, all of time. */
function backStrip(args: ConvBackwardArgs, b: i32, d: i32, count: i32, scratch: usize): void {
  const past = args.width - 1;
  const start = rangeStart(args.range, b, args.length);
  const end = rangeEnd(args.range, b, args.length);
  const pastBytes = <usize>past * STRIP_BYTES;
  const x = scratch + HISTORY;
  const g = scratch + G;
  stage(args, b, d, count, scratch);
  memory.fill(g, 0, pastBytes);
  memory.fill(scratch + D_WEIGHT, 0, D_BIAS + STRIP_BYTES - D_WEIGHT);
  zeroRows(args, b, d, count, 0, start);
  for (let l = start; l < end; l += BLOCK) {
    const steps = min(end - l, BLOCK);
    loadRows(args, b, d, count, l, steps, x + pastBytes, g + pastBytes);
    for (let c = 0; c < count; c += 4) activate(args, d, c, count, steps, scratch);
    for (let c = 0; c < count; c += 4) sumWeight(args, c, steps, scratch);
    for (let r = 0; r < steps; r++) emit(args, b, d, count, start, l - past + r, r, 0, scratch);
    memory.copy(x, x + <usize>steps * STRIP_BYTES, pastBytes);
    memory.copy(g, g + <usize>steps * STRIP_BYTES, pastBytes);
  }
  memory.fill(g + pastBytes, 0, pastBytes);
  const dFinal = args.dFinalState ? args.dFinalState + ((<usize>(b * args.channels + d) * past) << 2) : 0;
  for (let r = 0; r < past; r++) {
    emit(args, b, d, count, start, end - past + r, r, dFinal ? dFinal + ((<usize>r) << 2) : 0, scratch);
  }
  zeroRows(args, b, d, count, end, args.length);
  keepSums(args, b, d, count, scratch);
}

/** Rows of x and dy to scratch. */
@inline
function loadRows(args: ConvBackwardArgs, b: i32, d: i32, count: i32, l: i32, steps: i32, x: usize, g: usize): void {
  const row = <usize>b * args.length + l;
  let fromX = args.x + ((row * args.xStride + d) << 2);
  let fromDy = args.dy + ((row * args.dyStride + d) << 2);
  for (let t = 0; t < steps; t++) {
    for (let c = 0; c < count; c += 4) {
      const i = (<usize>c) << 2;
      v128.store(x + i, loadLanes(fromX + i, count - c));
      v128.store(g + i, loadLanes(fromDy + i, count - c));
    }
    fromX += (<usize>args.xStride) << 2;
    fromDy += (<usize>args.dyStride) << 2;
    x += STRIP_BYTES;
    g += STRIP_BYTES;
  }
}

/** g = dy · act' for four channels of a block, and their sum over time. */
@inline
function activate(args: ConvBackwardArgs, d: i32, c: i32, count: i32, steps: i32, scratch: usize): void {
  const W = <usize>args.width;
  const column = scratch + ((<usize>c) << 2);
  let x = column + HISTORY;
  let g = column + G + (W - 1) * STRIP_BYTES;
  const bias = args.bias ? loadLanes(args.bias + ((<usize>(d + c)) << 2), count - c) : f32x4.splat(0);
  let total = f32x4.splat(0);
  for (let t = 0; t < steps; t++) {
    let dy = v128.load(g);
    if (args.silu) {
      let sum = bias;
      for (let k: usize = 0; k < W; k++) {
        sum = madd(v128.load(column + k * STRIP_BYTES), v128.load(x + k * STRIP_BYTES), sum);
      }
      dy = f32x4.mul(dy, siluDerivative(sum));
      v128.store(g, dy);
    }
    total = f32x4.add(total, dy);
    x += STRIP_BYTES;
    g += STRIP_BYTES;
  }
  v128.store(column, f32x4.add(v128.load(column, D_BIAS), total), D_BIAS);
}

/** dWeight of four channels over a block. */
@inline
function sumWeight(args: ConvBackwardArgs, c: i32, steps: i32, scratch: usize): void {
  const W = <usize>args.width;
  const column = scratch + ((<usize>c) << 2);
  for (let k: usize = 0; k < W; k++) {
    let x = column + HISTORY + k * STRIP_BYTES;
    let g = column + G + (W - 1) * STRIP_BYTES;
    let sum = f32x4.splat(0);
    for (let t = 0; t < steps; t++) {
      sum = madd(v128.load(g), v128.load(x), sum);
      x += STRIP_BYTES;
      g += STRIP_BYTES;
    }
    const to = column + k * STRIP_BYTES;
    v128.store(to, f32x4.add(v128.load(to, D_WEIGHT), sum), D_WEIGHT);
  }
}

/** dx at step t from rows r to r + W - 1 of g, and what `dFinal` has for it; before the start: dInitialState. */
@inline
function emit(
  args: ConvBackwardArgs,
  b: i32,
  d: i32,
  count: i32,
  start: i32,
  t: i32,
  r: i32,
  dFinal: usize,
  scratch: usize,
): void {
  const W = <usize>args.width;
  const stateRow = (W - 1) << 2;
  const g = scratch + G + <usize>r * STRIP_BYTES;
  const dx = args.dx + (((<usize>b * args.length + t) * args.channels + d) << 2);
  const state = args.dInitialState + (<usize>b * args.channels + d) * stateRow + ((t - start + args.width - 1) << 2);
  for (let c = 0; c < count; c += 4) {
    const i = (<usize>c) << 2;
    const lanes = count - c;
    let sum = dFinal ? gatherLanes(dFinal + <usize>c * stateRow, stateRow, lanes) : f32x4.splat(0);
    for (let k: usize = 0; k < W; k++) {
      sum = madd(v128.load(scratch + (W - 1 - k) * STRIP_BYTES + i), v128.load(g + k * STRIP_BYTES + i), sum);
    }
    if (t >= start) storeLanes(dx + i, sum, lanes);
    else if (args.dInitialState) scatterLanes(state + <usize>c * stateRow, stateRow, sum, lanes);
  }
}

function keepSums(args: ConvBackwardArgs, b: i32, d: i32, count: i32, scratch: usize): void {
  const row = (<usize>args.width) << 2;
  const channel = <usize>b * args.channels + d;
  for (let c = 0; c < count; c += 4) {
    const from = scratch + ((<usize>c) << 2);
    for (let k: usize = 0; k < <usize>args.width; k++) {
      const to = args.dWeight + (channel + c) * row + (k << 2);
      scatterLanes(to, row, v128.load(from + k * STRIP_BYTES, D_WEIGHT), count - c);
    }
    if (args.dBias) storeLanes(args.dBias + ((channel + c) << 2), v128.load(from, D_BIAS), count - c);
  }
}

/** dx = 0 at the padded steps [from, to). */
function zeroRows(args: ConvBackwardArgs, b: i32, d: i32, count: i32, from: i32, to: i32): void {
  for (let l = from; l < to; l++) {
    const row = <usize>b * args.length + l;
    memory.fill(args.dx + ((row * args.channels + d) << 2), 0, (<usize>count) << 2);
  }
}
