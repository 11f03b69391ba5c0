import { CHUNK, chunkRows, chunkUnits } from "./elementwise.ts";
import { loadLanes, storeLanes } from "./lanes.ts";
import { lossGradient, lossLanes, lossPower, QUANTILE } from "./lossLanes.ts";
import { OptionalPointer, Pointer } from "./records.ts";

// loss = sum(w · l) / sum(w) over all elements, with the losses l of lossLanes.ts, and dx = w · l' / sum(w). Both are 0 when the
// weights sum to 0, and where a weight is 0. Four jobs with one record: sums of the weights of each unit, their total, sums of
// the losses of each unit with the gradient, and their total. Without weights the host writes the total weight, and the first
// two do not run. The sums are in f64; units are added in order.

@unmanaged
export class ElementLossArgs {
  x!: Pointer; // f32 [rows, features]
  target!: Pointer; // f32 [rows, features]; [rows] for a quantile loss
  weight!: OptionalPointer; // f32, like target
  levels!: OptionalPointer; // f32 [features]: for a quantile loss
  dx!: OptionalPointer; // f32 [rows, features]
  sums!: Pointer; // f64 [units + 1]: the total weight, then the sums of the units
  loss!: Pointer; // f32 [1]
  rows!: i32;
  features!: i32;
  xStride!: i32;
  kind!: i32;
  delta!: f32;
}

export function elementLossUnits(args: ElementLossArgs): i32 {
  return chunkUnits(args.rows, args.features);
}

export function elementLossWeightsUnits(args: ElementLossArgs): i32 {
  return chunkUnits(args.rows, args.features);
}

export function elementLossWeightUnits(args: ElementLossArgs): i32 {
  return 1;
}

export function elementLossMeanUnits(args: ElementLossArgs): i32 {
  return 1;
}

/** Sums the weights of each unit. */
export function elementLossWeightsRun(args: ElementLossArgs, begin: i32, end: i32, scratch: usize): void {
  runUnits(args, begin, end, true);
}

/** Computes the total weight. */
export function elementLossWeightRun(args: ElementLossArgs, begin: i32, end: i32, scratch: usize): void {
  store<f64>(args.sums, totalOf(args));
}

export function elementLossRun(args: ElementLossArgs, begin: i32, end: i32, scratch: usize): void {
  runUnits(args, begin, end, false);
}

/** Computes the mean loss. */
export function elementLossMeanRun(args: ElementLossArgs, begin: i32, end: i32, scratch: usize): void {
  const weight = load<f64>(args.sums);
  store<f32>(args.loss, weight == 0 ? 0 : <f32>(totalOf(args) / weight));
}

function totalOf(args: ElementLossArgs): f64 {
  const units = chunkUnits(args.rows, args.features);
  let sum: f64 = 0;
  for (let unit = 1; unit <= units; unit++) sum += load<f64>(args.sums + ((<usize>unit) << 3));
  return sum;
}

function runUnits(args: ElementLossArgs, begin: i32, end: i32, weightsOnly: bool): void {
  const features = args.features;
  const chunks = (features + CHUNK - 1) / CHUNK;
  const rowsPerUnit = chunkRows(features);
  const weight = load<f64>(args.sums);
  const scale: f32 = weight == 0 ? 0 : <f32>(1 / weight);
  for (let unit = begin; unit < end; unit++) {
    const column = (unit % chunks) * CHUNK;
    const count = min(features - column, CHUNK);
    const first = (unit / chunks) * rowsPerUnit;
    const last = min(first + rowsPerUnit, args.rows);
    let sum: f64 = 0;
    for (let row = first; row < last; row++) {
      sum += weightsOnly ? rowWeights(args, row, column, count) : rowLosses(args, row, column, count, scale);
    }
    store<f64>(args.sums + ((<usize>unit) << 3), sum, 8);
  }
}

/** Index of the target of an element. */
@inline
function targetIndex(args: ElementLossArgs, row: i32, column: i32): usize {
  return args.kind == QUANTILE ? row : <usize>row * args.features + column;
}

function rowWeights(args: ElementLossArgs, row: i32, column: i32, count: i32): f64 {
  const weight = args.weight + (targetIndex(args, row, column) << 2);
  if (args.kind == QUANTILE) return <f64>load<f32>(weight) * <f64>count;
  let sum = f64x2.splat(0);
  for (let i = 0; i < count; i += 4) sum = addLanes(sum, loadLanes(weight + ((<usize>i) << 2), count - i));
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

/** Returns the sum of the losses of `count` elements of a row. Writes their gradients, times `scale`, unless dx is 0. */
function rowLosses(args: ElementLossArgs, row: i32, column: i32, count: i32, scale: f32): f64 {
  const kind = args.kind;
  const x = args.x + ((<usize>row * args.xStride + column) << 2);
  const dx = args.dx ? args.dx + ((<usize>row * args.features + column) << 2) : 0;
  const first = targetIndex(args, row, column) << 2;
  const target = args.target + first;
  const weight = args.weight ? args.weight + first : 0;
  const levels = args.levels ? args.levels + ((<usize>column) << 2) : 0;
  const delta = f32x4.splat(args.delta);
  let sum = f64x2.splat(0);
  for (let i = 0; i < count; i += 4) {
    const at = (<usize>i) << 2;
    const left = count - i;
    const lanes = loadLanes(x + at, left);
    let t: v128;
    let w = f32x4.splat(1);
    let p = delta;
    if (kind == QUANTILE) {
      t = v128.load32_splat(target);
      if (weight) w = v128.load32_splat(weight);
      p = loadLanes(levels + at, left);
    } else {
      t = loadLanes(target + at, left);
      if (weight) w = loadLanes(weight + at, left);
    }
    const e = lossPower(kind, lanes);
    // An element of weight 0 counts nothing, also when its loss is NaN; nor does a lane beyond the row.
    const inside = i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(left));
    const counts = v128.and(f32x4.ne(w, f32x4.splat(0)), inside);
    sum = addLanes(sum, v128.and(f32x4.mul(w, lossLanes(kind, lanes, t, p, e)), counts));
    if (dx) {
      const gradient = f32x4.mul(f32x4.mul(w, f32x4.splat(scale)), lossGradient(kind, lanes, t, p, e));
      storeLanes(dx + at, v128.and(gradient, counts), left);
    }
  }
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

@inline
function addLanes(sum: v128, lanes: v128): v128 {
  const low = f64x2.promote_low_f32x4(lanes);
  return f64x2.add(f64x2.add(sum, low), f64x2.promote_low_f32x4(v128.shuffle<f32>(lanes, lanes, 2, 3, 0, 1)));
}
