import { sigmoidLanes } from "./exponentials.ts";
import { loadLanes } from "./lanes.ts";
import { Flag, OptionalPointer, Pointer } from "./records.ts";
import { SIGMOID, SMALLEST_SUM, SOFTMAX, TOP_SOFTMAX } from "./routeScoring.ts";
import { exponentials, largestOf } from "./softmaxRow.ts";

// The K experts of a row with the largest ranks, ties to the lower index, and their weights:
//
//   softmax      rank = logit, s = exp(logit - max) / sum over all experts
//   topSoftmax   rank = logit, s = the same over the chosen experts
//   sigmoid      rank = sigmoid(logit) + bias, s = sigmoid(logit)
//   weight = s, or s / (sum of the chosen s + 1e-20), times scale
//
// A rank of NaN comes after all numbers.

@unmanaged
export class RouteExpertsArgs {
  logits!: Pointer; // f32 [rows, experts]
  bias!: OptionalPointer; // f32 [experts]
  chosen!: Pointer; // i32 [rows, perToken]
  weights!: Pointer; // f32 [rows, perToken]
  rows!: i32;
  experts!: i32;
  perToken!: i32;
  logitsStride!: i32;
  scoring!: i32; // SOFTMAX, TOP_SOFTMAX or SIGMOID
  normalize!: Flag;
  scale!: f32;
}

/** Steps of the choice in one unit. */
const UNIT: i32 = 16384;

@inline
function unitRows(args: RouteExpertsArgs): i32 {
  return max(UNIT / (args.experts * args.perToken), 1);
}

export function routeExpertsUnits(args: RouteExpertsArgs): i32 {
  const rows = unitRows(args);
  return (args.rows + rows - 1) / rows;
}

/** Room for the ranks and the scores of a row, in whole registers, and the marks of the chosen. */
export function routeExpertsScratch(args: RouteExpertsArgs): i32 {
  return 12 * ((args.experts + 3) & ~3);
}

export function routeExpertsRun(args: RouteExpertsArgs, begin: i32, end: i32, scratch: usize): void {
  const size = unitRows(args);
  const last = min(end * size, args.rows);
  for (let row = begin * size; row < last; row++) routeRow(args, row, scratch);
}

function routeRow(args: RouteExpertsArgs, row: i32, ranks: usize): void {
  const count = args.experts;
  const bytes = (<usize>((count + 3) & ~3)) << 2;
  const scores = ranks + bytes;
  const taken = scores + bytes;
  const logits = args.logits + ((<usize>row * args.logitsStride) << 2);
  const chosen = args.chosen + ((<usize>(row * args.perToken)) << 2);
  const weights = args.weights + ((<usize>(row * args.perToken)) << 2);
  if (args.scoring == SIGMOID) {
    for (let e = 0; e < count; e += 4) {
      const at = (<usize>e) << 2;
      const score = sigmoidLanes(loadLanes(logits + at, count - e));
      v128.store(scores + at, score);
      v128.store(ranks + at, args.bias ? f32x4.add(score, loadLanes(args.bias + at, count - e)) : score);
    }
  } else memory.copy(ranks, logits, (<usize>count) << 2);
  choose(ranks, count, args.perToken, taken, chosen);
  let sum: f64 = 1;
  if (args.scoring == SOFTMAX) sum = exponentials(logits, count, largestOf(logits, count), scores);
  // The weights are the scores of the chosen, not yet divided by the sum of all.
  let total: f64 = 0;
  for (let j: usize = 0; j < <usize>args.perToken; j++) {
    const e = (<usize>load<i32>(chosen + (j << 2))) << 2;
    const score = load<f32>((args.scoring == TOP_SOFTMAX ? logits : scores) + e);
    store<f32>(weights + (j << 2), score);
    total += score / sum;
  }
  if (args.scoring == TOP_SOFTMAX) {
    sum = exponentials(weights, args.perToken, largestOf(weights, args.perToken), weights);
  } else if (args.normalize) sum *= total + SMALLEST_SUM;
  const factor = <f64>args.scale / sum;
  for (let j: usize = 0; j < <usize>args.perToken; j++) {
    const at = weights + (j << 2);
    store<f32>(at, <f32>(load<f32>(at) * factor));
  }
}

/** Writes the places of the `count` largest numbers, in descending order. */
function choose(ranks: usize, size: i32, count: i32, taken: usize, to: usize): void {
  memory.fill(taken, 0, size);
  for (let j = 0; j < count; j++) {
    let best = -1;
    let most: f32 = 0;
    for (let e = 0; e < size; e++) {
      if (load<u8>(taken + e)) continue;
      const rank = load<f32>(ranks + ((<usize>e) << 2));
      // Anything is better than NaN.
      if (best >= 0 && !(rank > most) && !(isNaN(most) && !isNaN(rank))) continue;
      best = e;
      most = rank;
    }
    store<u8>(taken + best, 1);
    store<i32>(to + ((<usize>j) << 2), best);
  }
}
