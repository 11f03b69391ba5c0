import { loadLanes, madd, storeLanes } from "./math.ts";

// Ops over all parameters at once. Their addresses stand in a table, so that many small tensors make one job; a unit is
// a block of 16,384 numbers of one tensor.
//
// sumOfSquares   each unit writes its sum in f64, and a second job adds them in order
// adamwStep      g = grad · gradScale
//                m = beta1 · m + (1 - beta1) · g          v = beta2 · v + (1 - beta2) · g²
//                param = param · (1 - lr · weightDecay) - stepSize · m / (sqrt(v) · rootScale + eps)
//                with stepSize = lr / (1 - beta1^step), rootScale = 1 / sqrt(1 - beta2^step)

const BLOCK: i32 = 16384;
const ENTRY_BYTES: usize = 32;

/** One tensor. A dense one is one long row, which has a unit for each BLOCK; a unit of a view is some of its rows. */
@unmanaged
class Entry {
  /*  0 */ x!: usize; // f32: the tensor, or the gradient
  /*  1 */ param!: usize; // f32; adamwStep only
  /*  2 */ m!: usize; // f32; adamwStep only
  /*  3 */ v!: usize; // f32; adamwStep only
  /*  4 */ firstUnit!: i32;
  /*  5 */ features!: i32;
  /*  6 */ rows!: i32; // 1 for adamwStep
  /*  7 */ stride!: i32;
}

@unmanaged
export class OptimizerArgs {
  /*  0 */ table!: usize; // Entry [entries], by ascending firstUnit
  /*  1 */ entries!: i32;
  /*  2 */ units!: i32;
  /*  3 */ sums!: usize; // f64 [units]; sumOfSquares only
  /*  4 */ y!: usize; // f32 [1]; sumOfSquares only
  /*  5 */ gradScale!: usize; // f32 [1], or 0; the rest is for adamwStep only
  /*  6 */ keep!: f32; // 1 - lr · weightDecay
  /*  7 */ stepSize!: f32;
  /*  8 */ rootScale!: f32;
  /*  9 */ eps!: f32;
  /* 10 */ beta1!: f32;
  /* 11 */ beta2!: f32;
  /* 12 */ oneMinusBeta1!: f32;
  /* 13 */ oneMinusBeta2!: f32;
}

export function optimizerUnits(at: usize): i32 {
  return changetype<OptimizerArgs>(at).units;
}

/** The last entry whose first unit is not after `unit`. */
function entryOf(args: OptimizerArgs, unit: i32): Entry {
  let low = 0;
  let high = args.entries;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (changetype<Entry>(args.table + <usize>middle * ENTRY_BYTES).firstUnit <= unit) low = middle;
    else high = middle;
  }
  return changetype<Entry>(args.table + <usize>low * ENTRY_BYTES);
}

export function sumOfSquaresRange(at: usize, begin: i32, end: i32): void {
  const args = changetype<OptimizerArgs>(at);
  for (let unit = begin; unit < end; unit++) {
    const entry = entryOf(args, unit);
    const index = unit - entry.firstUnit;
    let sum: f64 = 0;
    if (entry.rows == 1) {
      const first = index * BLOCK;
      sum = squares(entry.x + ((<usize>first) << 2), min(entry.features - first, BLOCK));
    } else {
      const rows = max(BLOCK / entry.features, 1);
      const last = min((index + 1) * rows, entry.rows);
      for (let row = index * rows; row < last; row++) {
        sum += squares(entry.x + ((<usize>row * entry.stride) << 2), entry.features);
      }
    }
    store<f64>(args.sums + ((<usize>unit) << 3), sum);
  }
}

function squares(x: usize, count: i32): f64 {
  let s0 = f64x2.splat(0);
  let s1 = s0;
  const end = x + ((<usize>count) << 2);
  for (; x < end; x += 16) {
    const lanes = loadLanes(x, <i32>((end - x) >> 2));
    const low = f64x2.promote_low_f32x4(lanes);
    const high = f64x2.promote_low_f32x4(v128.shuffle<f32>(lanes, lanes, 2, 3, 0, 1));
    s0 = f64x2.add(s0, f64x2.mul(low, low));
    s1 = f64x2.add(s1, f64x2.mul(high, high));
  }
  const sum = f64x2.add(s0, s1);
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

/** One unit: the sum over all. */
export function sumOfSquaresTotalRange(at: usize): void {
  const args = changetype<OptimizerArgs>(at);
  let sum: f64 = 0;
  for (let unit = 0; unit < args.units; unit++) sum += load<f64>(args.sums + ((<usize>unit) << 3));
  store<f32>(args.y, <f32>sum);
}

export function adamwStepRange(at: usize, begin: i32, end: i32): void {
  const args = changetype<OptimizerArgs>(at);
  for (let unit = begin; unit < end; unit++) {
    const entry = entryOf(args, unit);
    const first = (unit - entry.firstUnit) * BLOCK;
    update(args, entry, (<usize>first) << 2, (<usize>min(entry.features - first, BLOCK)) << 2);
  }
}

function update(args: OptimizerArgs, entry: Entry, from: usize, bytes: usize): void {
  const gradScale = f32x4.splat(args.gradScale ? load<f32>(args.gradScale) : 1);
  const keep = f32x4.splat(args.keep);
  const stepSize = f32x4.splat(-args.stepSize);
  const rootScale = f32x4.splat(args.rootScale);
  const eps = f32x4.splat(args.eps);
  const beta1 = f32x4.splat(args.beta1);
  const beta2 = f32x4.splat(args.beta2);
  const oneMinusBeta1 = f32x4.splat(args.oneMinusBeta1);
  const oneMinusBeta2 = f32x4.splat(args.oneMinusBeta2);
  const end = from + bytes;
  for (let i = from; i < end; i += 16) {
    const lanes = <i32>((end - i) >> 2);
    const g = f32x4.mul(loadLanes(entry.x + i, lanes), gradScale);
    const m = madd(beta1, loadLanes(entry.m + i, lanes), f32x4.mul(oneMinusBeta1, g));
    const v = madd(beta2, loadLanes(entry.v + i, lanes), f32x4.mul(oneMinusBeta2, f32x4.mul(g, g)));
    const root = madd(f32x4.sqrt(v), rootScale, eps);
    const param = f32x4.mul(loadLanes(entry.param + i, lanes), keep);
    storeLanes(entry.m + i, m, lanes);
    storeLanes(entry.v + i, v, lanes);
    storeLanes(entry.param + i, madd(f32x4.div(m, root), stepSize, param), lanes);
  }
}
