import { loadLanes, madd, storeLanes } from "./lanes.ts";
import { OptionalPointer, Pointer } from "./records.ts";
import { exponentials, largestOf, scaleRow } from "./softmaxRow.ts";

// With logp = log softmax(logits), class weights w, label smoothing e and targets y, over the rows whose target is not `ignoreIndex`:
//
//   loss          = sum_i [(1 - e) · w[y_i] · -logp_i[y_i] + e / V · sum_c w[c] · -logp_i[c]] / sum_i w[y_i]
//   dLogits_i[c]  = [(1 - e) · w[y_i] · (p[c] - onehot(y_i)[c]) + e / V · (p[c] · sum_j w[j] - w[c])] / sum_i w[y_i]
//
// Three jobs with one record: add up the weights, compute the rows, add up their losses. Loss and gradient are 0 when the weights of
// the targets sum to 0.
//
// A target that is neither `ignoreIndex` nor in [0, vocabSize) makes the loss and the gradient of its row NaN: nothing is read
// or written out of bounds, and a wrong target cannot give a plausible result.

const UNIT_NUMBERS: i32 = 16384;

@unmanaged
export class CrossEntropyArgs {
  logits!: Pointer; // f32 [rows, vocabSize]
  targets!: Pointer; // i32 [rows]
  classWeights!: OptionalPointer; // f32 [vocabSize]
  losses!: Pointer; // f64 [rows + 2]: the losses of the rows, the weights of the targets, the weights of the classes
  loss!: Pointer; // f32 [1]
  dLogits!: OptionalPointer; // f32 [rows, vocabSize]
  rows!: i32;
  vocabSize!: i32;
  stride!: i32; // of logits
  ignoreIndex!: i32;
  labelSmoothing!: f32;
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

/** Adds up the weights of the targets that are not ignored, and those of the classes. */
export function crossEntropyCountRun(args: CrossEntropyArgs, begin: i32, end: i32, scratch: usize): void {
  const weights = args.classWeights;
  const sums = args.losses + ((<usize>args.rows) << 3);
  let total: f64 = 0;
  for (let row = 0; row < args.rows; row++) {
    const id = target(args, row);
    if (id != args.ignoreIndex) total += weightOf(args, id);
  }
  store<f64>(sums, total);
  let all: f64 = <f64>args.vocabSize;
  if (weights) {
    all = 0;
    for (let v = 0; v < args.vocabSize; v++) all += <f64>load<f32>(weights + ((<usize>v) << 2));
  }
  store<f64>(sums, all, 8);
}

/** The weight of class `id`. A target outside the classes counts 1. */
@inline
function weightOf(args: CrossEntropyArgs, id: i32): f64 {
  const weighted = args.classWeights && id >= 0 && id < args.vocabSize;
  return weighted ? <f64>load<f32>(args.classWeights + ((<usize>id) << 2)) : 1;
}

export function crossEntropyMeanUnits(args: CrossEntropyArgs): i32 {
  return 1;
}

/** Computes the weighted mean over the counted rows. */
export function crossEntropyMeanRun(args: CrossEntropyArgs, begin: i32, end: i32, scratch: usize): void {
  const total = load<f64>(args.losses + ((<usize>args.rows) << 3));
  let sum: f64 = 0;
  for (let row = 0; row < args.rows; row++) sum += load<f64>(args.losses + ((<usize>row) << 3));
  store<f32>(args.loss, total == 0 ? 0 : <f32>(sum / total));
}

export function crossEntropyRun(args: CrossEntropyArgs, begin: i32, end: i32, scratch: usize): void {
  const rows = unitRows(args);
  const last = min(end * rows, args.rows);
  const total = load<f64>(args.losses + ((<usize>args.rows) << 3));
  const share = 1 / total;
  const rowBytes = (<usize>args.vocabSize) << 2;
  for (let row = begin * rows; row < last; row++) {
    const logits = args.logits + ((<usize>row * args.stride) << 2);
    const dLogits = args.dLogits ? args.dLogits + <usize>row * rowBytes : 0;
    const loss = args.losses + ((<usize>row) << 3);
    if (target(args, row) == args.ignoreIndex || total == 0) {
      store<f64>(loss, 0);
      if (dLogits) memory.fill(dLogits, 0, rowBytes);
    } else store<f64>(loss, lossOf(args, logits, target(args, row), share, dLogits, scratch));
  }
}

/** Returns the loss of one row. Writes its gradient, times `share` = 1 / the weights of the targets, to dLogits unless that is 0. */
function lossOf(
  args: CrossEntropyArgs,
  logits: usize,
  target: i32,
  share: f64,
  dLogits: usize,
  scratch: usize,
): f64 {
  const size = args.vocabSize;
  const largest = largestOf(logits, size);
  const sum = exponentials(logits, size, largest, dLogits ? dLogits : scratch);
  if (target < 0 || target >= size) {
    if (dLogits) scaleRow(dLogits, size, NaN);
    return NaN;
  }
  const at = (<usize>target) << 2;
  const distance = <f64>largest - <f64>load<f32>(logits + at);
  if (!args.classWeights && args.labelSmoothing == 0) {
    if (dLogits) writeGradient(dLogits, at, size, share, sum);
    return Math.log(sum) + distance;
  }
  return weightedLossOf(args, logits, target, share, dLogits, largest, sum, distance);
}

/** Turns the exponentials in dLogits into (softmax - onehot(target)) · factor, where `at` is the offset of the target. */
@inline
function writeGradient(dLogits: usize, at: usize, size: i32, factor: f64, sum: f64): void {
  const inverse = 1 / sum;
  // In f64 for the target: softmax - 1 cancels when its probability is near 1.
  const hit = (<f64>load<f32>(dLogits + at) * inverse - 1) * factor;
  scaleRow(dLogits, size, <f32>(inverse * factor));
  store<f32>(dLogits + at, <f32>hit);
}

/** `lossOf` with class weights or label smoothing, after the exponentials of the row. */
function weightedLossOf(
  args: CrossEntropyArgs,
  logits: usize,
  target: i32,
  share: f64,
  dLogits: usize,
  largest: f32,
  sum: f64,
  distance: f64,
): f64 {
  const size = args.vocabSize;
  const weights = args.classWeights;
  const smoothing = <f64>args.labelSmoothing;
  const at = (<usize>target) << 2;
  const weight = weightOf(args, target);
  const own = weight * (1 - smoothing);
  const logSum = Math.log(sum);
  const loss = own * (logSum + distance);
  if (smoothing == 0) {
    if (dLogits) writeGradient(dLogits, at, size, own * share, sum);
    return loss;
  }
  const each = smoothing / <f64>size;
  const all = each * classWeightsOf(args);
  if (dLogits) {
    // In f64 for the target, as above: own (p - 1) + e / V (p · sum(w) - w[target])
    const probability = <f64>load<f32>(dLogits + at) / sum;
    const hit = (own * (probability - 1) + (all * probability - each * weight)) * share;
    scaleRow(dLogits, size, <f32>(((own + all) * share) / sum));
    addWeights(dLogits, weights, size, <f32>(-each * share));
    store<f32>(dLogits + at, <f32>hit);
  }
  return loss + (all * logSum + each * distances(logits, weights, size, largest));
}

/** The sum of the weights of all classes, which `crossEntropyCount` computed. */
@inline
function classWeightsOf(args: CrossEntropyArgs): f64 {
  return load<f64>(args.losses + ((<usize>args.rows) << 3), 8);
}

/** dLogits[c] += weight[c] · factor */
function addWeights(dLogits: usize, weights: usize, size: i32, factor: f32): void {
  const each = f32x4.splat(factor);
  const end = (<usize>size) << 2;
  for (let i: usize = 0; i < end; i += 16) {
    const lanes = <i32>((end - i) >> 2);
    const gradient = loadLanes(dLogits + i, lanes);
    const sum = weights ? madd(loadLanes(weights + i, lanes), each, gradient) : f32x4.add(gradient, each);
    storeLanes(dLogits + i, sum, lanes);
  }
}

/** The sum of weight · (largest - logit) over the classes, two at a time. */
function distances(logits: usize, weights: usize, size: i32, largest: f32): f64 {
  const most = f64x2.splat(<f64>largest);
  let sum = f64x2.splat(0);
  let v = 0;
  for (; v < size - 1; v += 2) {
    const at = (<usize>v) << 2;
    let distance = f64x2.sub(most, f64x2.promote_low_f32x4(v128.load64_zero(logits + at)));
    if (weights) distance = f64x2.mul(distance, f64x2.promote_low_f32x4(v128.load64_zero(weights + at)));
    sum = f64x2.add(sum, distance);
  }
  const total = f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
  if (v == size) return total;
  const at = (<usize>v) << 2;
  const distance = <f64>largest - <f64>load<f32>(logits + at);
  return total + (weights ? distance * <f64>load<f32>(weights + at) : distance);
}
