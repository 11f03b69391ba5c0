import { sigmoidLanes } from "./exponentials.ts";
import { Flag, Pointer } from "./records.ts";
import { SIGMOID, SMALLEST_SUM, SOFTMAX, TOP_SOFTMAX } from "./routeScoring.ts";
import { exponentials, largestOf } from "./softmaxRow.ts";

// The gradient of the weights of the chosen experts for the logits. With g = scale · dWeights and the scores s of the chosen:
//
//   normalized   ds[j] = (g[j] - sum_i g[i] · s[i] / S) / S with S = sum(s) + 1e-20; otherwise ds = g
//   softmax      dLogits[e] = s[e] · (ds[e] - sum_i ds[i] · s[i]) over all experts, with ds = 0 where not chosen
//   topSoftmax   the same over the chosen experts
//   sigmoid      dLogits[e] = ds[e] · s[e] · (1 - s[e])

@unmanaged
export class RouteExpertsBackwardArgs {
  dWeights!: Pointer; // f32 [rows, perToken]
  logits!: Pointer; // f32 [rows, experts]
  chosen!: Pointer; // i32 [rows, perToken]
  dLogits!: Pointer; // f32 [rows, experts]
  rows!: i32;
  experts!: i32;
  perToken!: i32;
  dWeightsStride!: i32;
  logitsStride!: i32;
  scoring!: i32; // SOFTMAX, TOP_SOFTMAX or SIGMOID
  normalize!: Flag;
  scale!: f32;
}

/** Experts of the rows of one unit. */
const UNIT: i32 = 4096;

@inline
function unitRows(args: RouteExpertsBackwardArgs): i32 {
  return max(UNIT / args.experts, 1);
}

export function routeExpertsBackwardUnits(args: RouteExpertsBackwardArgs): i32 {
  const rows = unitRows(args);
  return (args.rows + rows - 1) / rows;
}

/** Room for the scores of all experts and, in f64, those of the chosen and their gradients. */
export function routeExpertsBackwardScratch(args: RouteExpertsBackwardArgs): i32 {
  return 16 * args.perToken + 4 * max(args.experts, args.perToken);
}

export function routeExpertsBackwardRun(
  args: RouteExpertsBackwardArgs,
  begin: i32,
  end: i32,
  scratch: usize,
): void {
  const size = unitRows(args);
  const last = min(end * size, args.rows);
  for (let row = begin * size; row < last; row++) routeRowBackward(args, row, scratch);
}

function routeRowBackward(args: RouteExpertsBackwardArgs, row: i32, scratch: usize): void {
  const K = <usize>args.perToken;
  const scores = scratch;
  const slopes = scores + (K << 3);
  const all = slopes + (K << 3);
  const logits = args.logits + ((<usize>row * args.logitsStride) << 2);
  const dWeights = args.dWeights + ((<usize>row * args.dWeightsStride) << 2);
  const chosen = args.chosen + ((<usize>row * K) << 2);
  const dLogits = args.dLogits + ((<usize>row * args.experts) << 2);
  memory.fill(dLogits, 0, (<usize>args.experts) << 2);
  let sum: f64 = 1;
  if (args.scoring == SOFTMAX) sum = exponentials(logits, args.experts, largestOf(logits, args.experts), all);
  else if (args.scoring == TOP_SOFTMAX) {
    for (let j: usize = 0; j < K; j++) store<f32>(all + (j << 2), load<f32>(logits + expertAt(args, chosen, j)));
    sum = exponentials(all, args.perToken, largestOf(all, args.perToken), all);
  }
  let total = SMALLEST_SUM;
  let mean: f64 = 0;
  for (let j: usize = 0; j < K; j++) {
    const e = expertAt(args, chosen, j);
    let score: f64;
    if (args.scoring == SIGMOID) score = f32x4.extract_lane(sigmoidLanes(v128.load32_splat(logits + e)), 0);
    else score = load<f32>(all + (args.scoring == SOFTMAX ? e : j << 2)) / sum;
    const slope = <f64>load<f32>(dWeights + (j << 2)) * args.scale;
    store<f64>(scores + (j << 3), score);
    store<f64>(slopes + (j << 3), slope);
    total += score;
    mean += score * slope;
  }
  if (args.normalize && args.scoring != TOP_SOFTMAX) {
    const before = mean / total;
    mean = 0;
    for (let j = 0; j < <i32>(K << 3); j += 8) {
      const slope = (load<f64>(slopes + j) - before) / total;
      store<f64>(slopes + j, slope);
      mean += load<f64>(scores + j) * slope;
    }
  }
  if (args.scoring == SOFTMAX) {
    const factor = -mean / sum;
    for (let at: usize = 0; at < (<usize>args.experts) << 2; at += 4) {
      store<f32>(dLogits + at, <f32>(load<f32>(all + at) * factor));
    }
  }
  for (let j: usize = 0; j < K; j++) {
    const at = dLogits + expertAt(args, chosen, j);
    const score = load<f64>(scores + (j << 3));
    const slope = load<f64>(slopes + (j << 3));
    if (args.scoring == SIGMOID) store<f32>(at, <f32>(slope * score * (1 - score)));
    else store<f32>(at, <f32>(score * (slope - mean)));
  }
}

/** Offset in bytes of the expert of choice `j`. */
@inline
function expertAt(args: RouteExpertsBackwardArgs, chosen: usize, j: usize): usize {
  return (<usize>max(min(load<i32>(chosen + (j << 2)), args.experts - 1), 0)) << 2;
}
