import { expDoubles } from "./expDoubles.ts";
import { rowLargest } from "./rowLargest.ts";
import { SampleArgs } from "./sampleArgs.ts";
import { chunkMaxima, kthLargest } from "./selection.ts";

// log softmax of the logits, of the chosen id and of the topCount largest, in f64:
//
//   logits[v] - largest - log(sum_w exp(logits[w] - largest))

/**
 * Writes the log-probabilities of a row.
 *
 * @param id the chosen id, -1 when there is none
 * @param scratch vocabSize f32 for candidates, then the maxima of the chunks
 */
export function rowLogProbs(
  args: SampleArgs,
  row: i32,
  logits: usize,
  id: i32,
  histogram: usize,
  scratch: usize,
): void {
  const size = args.vocabSize;
  const count = args.topCount;
  const first = <usize>row * count;
  const topIds = args.topIds + (first << 2);
  const topLogProbs = args.topLogProbs + (first << 2);
  const largest = rowLargest(logits, size);
  if (!isFinite<f32>(largest)) {
    store<f32>(args.logProb + ((<usize>row) << 2), NaN);
    for (let k = 0; k < count; k++) {
      store<i32>(topIds + ((<usize>k) << 2), -1);
      store<f32>(topLogProbs + ((<usize>k) << 2), NaN);
    }
    return;
  }
  const all = logSumExp(logits, size, largest);
  const chosen = id < 0 ? NaN : <f64>load<f32>(logits + ((<usize>id) << 2));
  store<f32>(args.logProb + ((<usize>row) << 2), <f32>(chosen - largest - all));
  if (count == 0) return;
  topLogits(logits, size, count, histogram, scratch, topIds, topLogProbs);
  for (let k = 0; k < count; k++) {
    const at = topLogProbs + ((<usize>k) << 2);
    store<f32>(at, <f32>(<f64>load<f32>(at) - largest - all));
  }
}

/** log(sum exp(x - largest)). The terms of the largest are counted apart, so that the result is exact near 0. */
function logSumExp(row: usize, size: i32, largest: f32): f64 {
  const most = f64x2.splat(<f64>largest);
  let others = f64x2.splat(0);
  let equal = f64x2.splat(0);
  for (let v = 0; v < size; v += 2) {
    const at = row + ((<usize>v) << 2);
    const lanes =
      v + 1 < size ? v128.load64_zero(at) : f32x4.replace_lane(f32x4.splat(-Infinity), 0, load<f32>(at));
    const x = f64x2.promote_low_f32x4(lanes);
    const isMost = f64x2.eq(x, most);
    equal = f64x2.add(equal, v128.and(isMost, f64x2.splat(1)));
    others = f64x2.add(others, v128.andnot(expDoubles(f64x2.sub(x, most)), isMost));
  }
  const count = f64x2.extract_lane(equal, 0) + f64x2.extract_lane(equal, 1);
  const sum = f64x2.extract_lane(others, 0) + f64x2.extract_lane(others, 1);
  return Math.log1p(count - 1 + sum);
}

/** Writes the `count` largest logits and their ids in descending order, the lowest of equal ones first. */
function topLogits(
  row: usize,
  size: i32,
  count: i32,
  histogram: usize,
  scratch: usize,
  ids: usize,
  logits: usize,
): void {
  const maxima = scratch + ((<usize>size) << 2);
  chunkMaxima(row, size, maxima);
  const floor = kthLargest(row, size, count, maxima, scratch, histogram);
  let above = 0;
  for (let v = 0; v < size; v++) above += <i32>(load<f32>(row + ((<usize>v) << 2)) > floor);
  let ties = count - above;
  let found = 0;
  for (let v = 0; found < count; v++) {
    const x = load<f32>(row + ((<usize>v) << 2));
    if (x < floor) continue;
    if (x == floor && ties-- <= 0) continue;
    // Equal logits stay in the order of their ids.
    let k = found++;
    for (; k > 0 && load<f32>(logits + ((<usize>(k - 1)) << 2)) < x; k--) {
      store<f32>(logits + ((<usize>k) << 2), load<f32>(logits + ((<usize>(k - 1)) << 2)));
      store<i32>(ids + ((<usize>k) << 2), load<i32>(ids + ((<usize>(k - 1)) << 2)));
    }
    store<f32>(logits + ((<usize>k) << 2), x);
    store<i32>(ids + ((<usize>k) << 2), v);
  }
}
