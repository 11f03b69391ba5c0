import { expLanes } from "./exponentials.ts";
import { loadLanes, storeLanes } from "./lanes.ts";
import { OptionalPointer, Pointer } from "./records.ts";

// The mean of log(sum_v exp(logit[v])) - logit[target] over the rows whose target is not `ignoreIndex`, and its gradient
// (softmax(logits) - onehot(target)) / count. Three jobs with one record: count the rows, compute the rows, add them up.
//
// A target that is neither `ignoreIndex` nor in [0, vocabSize) makes the loss and the gradient of its row NaN: nothing is read
// or written out of bounds, and a wrong target cannot give a plausible result.

const UNIT_NUMBERS: i32 = 16384;

@unmanaged
export class CrossEntropyArgs {
  logits!: Pointer; // f32 [rows, vocabSize]
  targets!: Pointer; // i32 [rows]
  losses!: Pointer; // f64 [rows + 1]: the losses of the rows, then the count
  loss!: Pointer; // f32 [1]
  dLogits!: OptionalPointer; // f32 [rows, vocabSize]
  rows!: i32;
  vocabSize!: i32;
  stride!: i32; // of logits
  ignoreIndex!: i32;
}

@inline
function unitRows(args: CrossEntropyArgs): i32 {
  return max(UNIT_NUMBERS / args.vocabSize, 1);
}

export function crossEntropyUnits(args: CrossEntropyArgs): i32 {
  const rows = unitRows(args);
  return (args.rows + rows - 1) / rows;
}

/** Room for the exponentials of a row. */
export function crossEntropyScratch(args: CrossEntropyArgs): i32 {
  return ((args.vocabSize + 3) & ~3) << 2;
}

@inline
function target(args: CrossEntropyArgs, row: i32): i32 {
  return load<i32>(args.targets + ((<usize>row) << 2));
}

export function crossEntropyCountUnits(args: CrossEntropyArgs): i32 {
  return 1;
}

/** Counts the targets that are not ignored. */
export function crossEntropyCountRun(args: CrossEntropyArgs, begin: i32, end: i32, scratch: usize): void {
  let count = 0;
  for (let row = 0; row < args.rows; row++) count += <i32>(target(args, row) != args.ignoreIndex);
  store<f64>(args.losses + ((<usize>args.rows) << 3), <f64>count);
}

export function crossEntropyMeanUnits(args: CrossEntropyArgs): i32 {
  return 1;
}

/** Computes the mean over the counted rows. */
export function crossEntropyMeanRun(args: CrossEntropyArgs, begin: i32, end: i32, scratch: usize): void {
  const count = load<f64>(args.losses + ((<usize>args.rows) << 3));
  let sum: f64 = 0;
  for (let row = 0; row < args.rows; row++) sum += load<f64>(args.losses + ((<usize>row) << 3));
  store<f32>(args.loss, count > 0 ? <f32>(sum / count) : 0);
}

export function crossEntropyRun(args: CrossEntropyArgs, begin: i32, end: i32, scratch: usize): void {
  const rows = unitRows(args);
  const last = min(end * rows, args.rows);
  const count = load<f64>(args.losses + ((<usize>args.rows) << 3));
  const rowBytes = (<usize>args.vocabSize) << 2;
  for (let row = begin * rows; row < last; row++) {
    const logits = args.logits + ((<usize>row * args.stride) << 2);
    const dLogits = args.dLogits ? args.dLogits + <usize>row * rowBytes : 0;
    const loss = args.losses + ((<usize>row) << 3);
    if (target(args, row) == args.ignoreIndex) {
      store<f64>(loss, 0);
      if (dLogits) memory.fill(dLogits, 0, rowBytes);
    } else store<f64>(loss, lossOf(logits, args.vocabSize, target(args, row), count, dLogits, scratch));
  }
}

/** Returns the loss of one row. Writes its gradient, divided by `count`, to dLogits unless that is 0. */
function lossOf(logits: usize, size: i32, target: i32, count: f64, dLogits: usize, scratch: usize): f64 {
  const largest = largestOf(logits, size);
  const sum = exponentials(logits, size, largest, dLogits ? dLogits : scratch);
  const inside = target >= 0 && target < size;
  const at = (<usize>target) << 2;
  if (dLogits) {
    // In f64 for the target: softmax - 1 cancels when its probability is near 1.
    const hit = inside ? (<f64>load<f32>(dLogits + at) / sum - 1) / count : 0;
    const factor = f32x4.splat(inside ? <f32>(1 / (sum * count)) : NaN);
    const end = (<usize>size) << 2;
    for (let i: usize = 0; i < end; i += 16) {
      const lanes = <i32>((end - i) >> 2);
      storeLanes(dLogits + i, f32x4.mul(loadLanes(dLogits + i, lanes), factor), lanes);
    }
    if (inside) store<f32>(dLogits + at, <f32>hit);
  }
  return inside ? Math.log(sum) + (<f64>largest - <f64>load<f32>(logits + at)) : NaN;
}

/** Returns the largest logit, ignoring NaN: a NaN makes the sum of the exponentials NaN. */
function largestOf(logits: usize, size: i32): f32 {
  let most = f32x4.splat(-Infinity);
  let v = 0;
  for (; v <= size - 4; v += 4) most = f32x4.pmax(most, v128.load(logits + ((<usize>v) << 2)));
  for (; v < size; v++) most = f32x4.pmax(most, v128.load32_splat(logits + ((<usize>v) << 2)));
  most = f32x4.pmax(most, v128.shuffle<f32>(most, most, 2, 3, 0, 1));
  most = f32x4.pmax(most, v128.shuffle<f32>(most, most, 1, 0, 3, 2));
  return f32x4.extract_lane(most, 0);
}

/** Writes exp(logit - largest) of each logit to `to`. Returns their sum: f32 in chunks of 64 registers, f64 over the chunks. */
function exponentials(logits: usize, size: i32, largest: f32, to: usize): f64 {
  const shift = f32x4.splat(largest);
  let total = f64x2.splat(0);
  let v = 0;
  while (v < size) {
    let sum = f32x4.splat(0);
    const last = min(v + 256, size);
    for (; v <= last - 4; v += 4) {
      const at = (<usize>v) << 2;
      const power = expLanes(f32x4.sub(v128.load(logits + at), shift));
      v128.store(to + at, power);
      sum = f32x4.add(sum, power);
    }
    for (; v < last; v++) {
      const at = (<usize>v) << 2;
      const power = expLanes(f32x4.sub(v128.load32_splat(logits + at), shift));
      store<f32>(to + at, f32x4.extract_lane(power, 0));
      sum = f32x4.add(sum, f32x4.replace_lane(f32x4.splat(0), 0, f32x4.extract_lane(power, 0)));
    }
    total = f64x2.add(total, f64x2.promote_low_f32x4(sum));
    total = f64x2.add(total, f64x2.promote_low_f32x4(v128.shuffle<f32>(sum, sum, 2, 3, 0, 1)));
  }
  return f64x2.extract_lane(total, 0) + f64x2.extract_lane(total, 1);
}
