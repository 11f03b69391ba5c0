import { CHANNELS, ConvInputs, HISTORY, MAX_WIDTH, ROW, stage } from "./convInputs.ts";
import { siluDerivative } from "./exponentials.ts";
import { gatherLanes, loadLanes, madd, scatterLanes, storeLanes } from "./lanes.ts";
import { OptionalPointer, Pointer } from "./records.ts";
import { idAt, idsOfRow, nextReal, runEnd } from "./sequences.ts";

// Backward of the depthwise causal convolution, with P = W - 1 inputs before the first:
//
//   g[l]       = dy[l] · act'(bias + sum_k weight[k] · x[l - P + k])
//   dx[t]      = sum_k weight[k] · g[t + P - k]          for t < 0 this is the gradient of the initial state
//   dWeight[k] = sum_l g[l] · x[l - P + k]               dBias = sum_l g[l]
//
// The gradient of the final state is added to that of the inputs that it holds. A chunk of 64 channels goes through time in
// chunks of 32 steps. x and g of a time chunk lie in scratch after the last P rows of the previous one, so that a shift in time
// is a shift by rows. dx is therefore P steps behind; P more rows, with g = 0, complete it at the end.
//
// With sequenceIds this happens for each sequence of a row, and l counts its real positions. Only the first one has an initial
// state, and only the last one a gradient of the final state.
//
// A unit is a chunk of channels of one batch row. Its dWeight and dBias are partial sums, which the host adds up over the
// batch.

/** Positions of one time chunk. */
const STEPS: i32 = 32;
const ROWS: usize = (MAX_WIDTH + <usize>STEPS) * ROW;

// Scratch: weights [W][64], x [P + STEPS][64], g [P + STEPS][64], dWeight [W][64], dBias [64]; the positions of the rows of x as
// i32 [P + STEPS], from -P to -1 for the inputs before a sequence.
const G: usize = HISTORY + ROWS;
const D_WEIGHT: usize = G + ROWS;
const D_BIAS: usize = D_WEIGHT + MAX_WIDTH * ROW;
const POSITIONS: usize = D_BIAS + ROW;
const END: usize = POSITIONS + ((MAX_WIDTH + <usize>STEPS) << 2);

@unmanaged
export class CausalConv1dBackwardArgs extends ConvInputs {
  dy!: Pointer; // f32 [batch, length, channels]
  dyStride!: i32;
  dFinalState!: OptionalPointer; // f32 [batch, channels, width - 1]
  dx!: Pointer; // f32 [batch, length, channels]
  dWeight!: Pointer; // f32 [batch, channels, width]: partial sums
  dBias!: OptionalPointer; // f32 [batch, channels]: partial sums
  dInitialState!: OptionalPointer; // f32 [batch, channels, width - 1]
}

export function causalConv1dBackwardUnits(args: CausalConv1dBackwardArgs): i32 {
  return args.batch * ((args.channels + CHANNELS - 1) / CHANNELS);
}

export function causalConv1dBackwardScratch(args: CausalConv1dBackwardArgs): i32 {
  return <i32>END;
}

export function causalConv1dBackwardRun(args: CausalConv1dBackwardArgs, begin: i32, end: i32, scratch: usize): void {
  const perRow = (args.channels + CHANNELS - 1) / CHANNELS;
  for (let unit = begin; unit < end; unit++) {
    const d = (unit % perRow) * CHANNELS;
    backward(args, unit / perRow, d, min(args.channels - d, CHANNELS), scratch);
  }
}

/** Computes channels [d, d + count) of batch row b at all positions. */
function backward(args: CausalConv1dBackwardArgs, b: i32, d: i32, count: i32, scratch: usize): void {
  const ids = idsOfRow(args.sequenceIds, b, args.length);
  stage(args, b, d, count, scratch);
  memory.fill(scratch + D_WEIGHT, 0, D_BIAS + ROW - D_WEIGHT);
  if (ids) zeroPadding(args, b, d, count, ids);
  let l = nextReal(ids, 0, args.length);
  // Also without a real position: the initial state then gets the gradient of the final state.
  l = backwardSequence(args, b, d, count, ids, l, true, scratch);
  while (l < args.length) {
    memory.fill(scratch + HISTORY, 0, <usize>(args.width - 1) * ROW);
    l = backwardSequence(args, b, d, count, ids, l, false, scratch);
  }
  storeSums(args, b, d, count, scratch);
}

/**
 * Computes the sequence that starts at position l, from the inputs before it in the first rows of x. Returns the first position of
 * the next one; length when there is none.
 */
function backwardSequence(
  args: CausalConv1dBackwardArgs,
  b: i32,
  d: i32,
  count: i32,
  ids: usize,
  l: i32,
  isFirst: bool,
  scratch: usize,
): i32 {
  const past = args.width - 1;
  const length = args.length;
  const pastBytes = <usize>past * ROW;
  const x = scratch + HISTORY;
  const g = scratch + G;
  const positions = scratch + POSITIONS;
  const dInitial = isFirst ? args.dInitialState : 0;
  memory.fill(g, 0, pastBytes);
  for (let r = 0; r < past; r++) store<i32>(positions + (r << 2), r - past);
  const id = l < length ? idAt(ids, l) : 0;
  while (l < length && idAt(ids, l) == id) {
    let steps = 0;
    while (steps < STEPS && l < length && idAt(ids, l) == id) {
      const to = min(runEnd(ids, l, length), l + STEPS - steps);
      const row = past + steps;
      loadRows(args, b, d, count, l, to - l, x + <usize>row * ROW, g + <usize>row * ROW);
      steps += to - l;
      for (let r = row; l < to; r++) store<i32>(positions + (r << 2), l++);
      l = nextReal(ids, l, length);
    }
    for (let c = 0; c < count; c += 4) activate(args, d, c, count, steps, scratch);
    for (let c = 0; c < count; c += 4) sumWeight(args, c, steps, scratch);
    for (let r = 0; r < steps; r++) emit(args, b, d, count, dInitial, r, 0, scratch);
    memory.copy(x, x + <usize>steps * ROW, pastBytes);
    memory.copy(g, g + <usize>steps * ROW, pastBytes);
    memory.copy(positions, positions + (steps << 2), past << 2);
  }
  memory.fill(g + pastBytes, 0, pastBytes);
  const isLast = l >= length;
  const dFinal =
    isLast && args.dFinalState ? args.dFinalState + ((<usize>(b * args.channels + d) * past) << 2) : 0;
  for (let r = 0; r < past; r++) {
    emit(args, b, d, count, dInitial, r, dFinal ? dFinal + ((<usize>r) << 2) : 0, scratch);
  }
  return l;
}

/** Copies rows of x and dy to scratch. */
@inline
function loadRows(args: CausalConv1dBackwardArgs, b: i32, d: i32, count: i32, l: i32, steps: i32, x: usize, g: usize): void {
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
    x += ROW;
    g += ROW;
  }
}

/** Computes g = dy · act' for four channels of a time chunk, and adds their sum over time to dBias. */
@inline
function activate(args: CausalConv1dBackwardArgs, d: i32, c: i32, count: i32, steps: i32, scratch: usize): void {
  const W = <usize>args.width;
  const column = scratch + ((<usize>c) << 2);
  let x = column + HISTORY;
  let g = column + G + (W - 1) * ROW;
  const bias = args.bias ? loadLanes(args.bias + ((<usize>(d + c)) << 2), count - c) : f32x4.splat(0);
  let total = f32x4.splat(0);
  for (let t = 0; t < steps; t++) {
    let dy = v128.load(g);
    if (args.silu) {
      let sum = bias;
      for (let k: usize = 0; k < W; k++) {
        sum = madd(v128.load(column + k * ROW), v128.load(x + k * ROW), sum);
      }
      dy = f32x4.mul(dy, siluDerivative(sum));
      v128.store(g, dy);
    }
    total = f32x4.add(total, dy);
    x += ROW;
    g += ROW;
  }
  v128.store(column, f32x4.add(v128.load(column, D_BIAS), total), D_BIAS);
}

/** Adds to dWeight for four channels of a time chunk. */
@inline
function sumWeight(args: CausalConv1dBackwardArgs, c: i32, steps: i32, scratch: usize): void {
  const W = <usize>args.width;
  const column = scratch + ((<usize>c) << 2);
  for (let k: usize = 0; k < W; k++) {
    let x = column + HISTORY + k * ROW;
    let g = column + G + (W - 1) * ROW;
    let sum = f32x4.splat(0);
    for (let t = 0; t < steps; t++) {
      sum = madd(v128.load(g), v128.load(x), sum);
      x += ROW;
      g += ROW;
    }
    const to = column + k * ROW;
    v128.store(to, f32x4.add(v128.load(to, D_WEIGHT), sum), D_WEIGHT);
  }
}

/**
 * Writes dx at the position of row r from rows r to r + W - 1 of g, plus `dFinal` unless 0. Before the first position it goes to
 * `dInitial`, dInitialState, unless 0.
 */
@inline
function emit(
  args: CausalConv1dBackwardArgs,
  b: i32,
  d: i32,
  count: i32,
  dInitial: usize,
  r: i32,
  dFinal: usize,
  scratch: usize,
): void {
  const W = <usize>args.width;
  const stateRow = (W - 1) << 2;
  const g = scratch + G + <usize>r * ROW;
  const t = load<i32>(scratch + (r << 2), POSITIONS);
  const dx = args.dx + (((<usize>b * args.length + t) * args.channels + d) << 2);
  const state = dInitial + (<usize>b * args.channels + d) * stateRow + ((t + args.width - 1) << 2);
  for (let c = 0; c < count; c += 4) {
    const i = (<usize>c) << 2;
    const lanes = count - c;
    let sum = dFinal ? gatherLanes(dFinal + <usize>c * stateRow, stateRow, lanes) : f32x4.splat(0);
    for (let k: usize = 0; k < W; k++) {
      sum = madd(v128.load(scratch + (W - 1 - k) * ROW + i), v128.load(g + k * ROW + i), sum);
    }
    if (t >= 0) storeLanes(dx + i, sum, lanes);
    else if (dInitial) scatterLanes(state + <usize>c * stateRow, stateRow, sum, lanes);
  }
}

/** Writes the partial sums of dWeight and dBias. */
function storeSums(args: CausalConv1dBackwardArgs, b: i32, d: i32, count: i32, scratch: usize): void {
  const row = (<usize>args.width) << 2;
  const channel = <usize>b * args.channels + d;
  for (let c = 0; c < count; c += 4) {
    const from = scratch + ((<usize>c) << 2);
    for (let k: usize = 0; k < <usize>args.width; k++) {
      const to = args.dWeight + (channel + c) * row + (k << 2);
      scatterLanes(to, row, v128.load(from + k * ROW, D_WEIGHT), count - c);
    }
    if (args.dBias) storeLanes(args.dBias + ((channel + c) << 2), v128.load(from, D_BIAS), count - c);
  }
}

/** Writes dx = 0 at padding. */
function zeroPadding(args: CausalConv1dBackwardArgs, b: i32, d: i32, count: i32, ids: usize): void {
  for (let l = 0; l < args.length; l++) {
    if (idAt(ids, l) >= 0) continue;
    const row = <usize>b * args.length + l;
    memory.fill(args.dx + ((row * args.channels + d) << 2), 0, (<usize>count) << 2);
  }
}
