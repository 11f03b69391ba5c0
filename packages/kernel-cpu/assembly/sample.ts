import { adjustRow, isAdjusted } from "./adjustRow.ts";
import { expDoubles } from "./expDoubles.ts";
import { rowLogProbs } from "./logProbs.ts";
import { rowArgmax, rowLargest } from "./rowLargest.ts";
import { ROW, SampleArgs } from "./sampleArgs.ts";
import { BUCKETS, chunkMaxima, chunksOf, cutOf, kthLargest } from "./selection.ts";

// Applies the repetition penalty, `add` and `allow`, divides the logits by the temperature, applies top-k, top-p and min-p,
// and chooses the first id at which the cumulative probability exceeds the uniform number of the row; for temperature 0 the
// largest logit. Probabilities are f64. A unit is a row.
//
// This takes O(V) and sorts nothing. The logit at each cut is found by radix selection on the bits of the logits, most
// significant digit first, among few candidates: at least k logits reach the k-th largest of the maxima of chunks, and tokens
// that each weigh less than an equal division of 1 - top-p lie outside of the nucleus.

export function sampleUnits(args: SampleArgs): i32 {
  return args.batch;
}

/**
 * Room for a histogram; the weight (f64), logit (f32) and id (i32) of each candidate; the maxima of the chunks (f32); the
 * changed logits of a row.
 */
export function sampleScratch(args: SampleArgs): i32 {
  return (BUCKETS << 3) + args.vocabSize * 20 + (chunksOf(args.vocabSize) << 2);
}

export function sampleRun(args: SampleArgs, begin: i32, end: i32, scratch: usize): void {
  const size = args.vocabSize;
  const changed = scratch + sampleScratch(args) - (<usize>size << 2);
  for (let row = begin; row < end; row++) {
    const options = args.rows + ((<usize>row * ROW) << 3);
    const temperature = load<f64>(options);
    const penalty = <f32>load<f64>(options, 32);
    const logits = args.logits + ((<usize>row * args.stride) << 2);
    let from = logits;
    if (isAdjusted(args, penalty)) {
      adjustRow(args, row, logits, penalty, changed);
      from = changed;
    }
    let id = -1;
    // A logit that is not allowed counts too when it is NaN or +infinity.
    if (from == logits || rowLargest(logits, size) < Infinity) {
      id = temperature == 0 ? rowArgmax(from, size) : sampleRow(from, size, options, scratch);
    }
    store<i32>(args.y + (<usize>row << 2), id);
    if (args.logProb) rowLogProbs(args, row, logits, id, scratch, scratch + (BUCKETS << 3));
  }
}

/** Keeps the candidates that weigh at least `least`, in their order. Returns how many. */
function compact(weights: usize, logits: usize, ids: usize, count: i32, least: f64): i32 {
  let kept = 0;
  for (let i = 0; i < count; i++) {
    const weight = load<f64>(weights + (<usize>i << 3));
    store<f64>(weights + (<usize>kept << 3), weight);
    store<f32>(logits + (<usize>kept << 2), load<f32>(logits + (<usize>i << 2)));
    store<i32>(ids + (<usize>kept << 2), load<i32>(ids + (<usize>i << 2)));
    kept += <i32>(weight >= least);
  }
  return kept;
}

/** Loads the last logit of an odd row, followed by a NaN. */
@inline
function oneLogit(at: usize): v128 {
  return f32x4.replace_lane(f32x4.splat(NaN), 0, load<f32>(at));
}

/** Returns the probabilities of two logits relative to the most probable token. */
@inline
function weightsOf(logits: v128, largest: f32, temperature: f64): v128 {
  const wide = f64x2.promote_low_f32x4(logits);
  return expDoubles(f64x2.div(f64x2.sub(wide, f64x2.splat(<f64>largest)), f64x2.splat(temperature)));
}

/** Returns the id that is drawn from a row of logits, -1 when one is NaN or +infinity or none is finite. */
function sampleRow(row: usize, size: i32, options: usize, histogram: usize): i32 {
  const weights = histogram + (BUCKETS << 3);
  const logits = weights + (<usize>size << 3);
  const ids = logits + (<usize>size << 2);
  const maxima = ids + (<usize>size << 2);
  const temperature = load<f64>(options);
  const topP = load<f64>(options, 8);
  const minP = load<f64>(options, 16);
  const uniform = load<f64>(options, 24);
  const topK = <i32>load<f64>(options, 40);

  const largest = chunkMaxima(row, size, maxima);
  if (!isFinite<f32>(largest)) return -1;
  const floor = topK < size ? kthLargest(row, size, topK, maxima, logits, histogram) : -Infinity;

  let count = 0;
  let total: f64 = 0;
  for (let v = 0; v < size; v += 2) {
    const lanes = v + 1 < size ? v128.load64_zero(row + (<usize>v << 2)) : oneLogit(row + (<usize>v << 2));
    const kept = f32x4.ge(lanes, f32x4.splat(floor));
    if (!(i32x4.bitmask(kept) & 3)) continue;
    const pair = weightsOf(v128.bitselect(lanes, f32x4.splat(-Infinity), kept), largest, temperature);
    // Both are written; a token of weight 0 is overwritten by the next.
    const first = f64x2.extract_lane(pair, 0);
    store<f64>(weights + (<usize>count << 3), first);
    store<f32>(logits + (<usize>count << 2), f32x4.extract_lane(lanes, 0));
    store<i32>(ids + (<usize>count << 2), v);
    count += <i32>(first > 0);
    const second = f64x2.extract_lane(pair, 1);
    if (!(second > 0)) {
      total += first;
      continue;
    }
    store<f64>(weights + (<usize>count << 3), second);
    store<f32>(logits + (<usize>count << 2), f32x4.extract_lane(lanes, 1));
    store<i32>(ids + (<usize>count << 2), v + 1);
    count++;
    total += first + second;
  }

  let least = minP;
  if (topP < 1) {
    // The factor allows for rounding: an additional candidate changes nothing.
    const mean = ((1 - topP) * total * 0.999999) / <f64>count;
    count = compact(weights, logits, ids, count, max(mean, minP));
    const cut = cutOf(logits, weights, count, topP * total, histogram);
    least = max(least, f64x2.extract_lane(weightsOf(f32x4.splat(cut), largest, temperature), 0));
  }
  if (least > 0) {
    total = 0;
    for (let i = 0; i < count; i++) {
      const weight = load<f64>(weights + (<usize>i << 3));
      if (weight >= least) total += weight;
    }
  }

  const target = uniform * total;
  let sum: f64 = 0;
  let id = 0;
  for (let i = 0; i < count; i++) {
    const weight = load<f64>(weights + (<usize>i << 3));
    if (weight < least) continue;
    id = load<i32>(ids + (<usize>i << 2));
    sum += weight;
    if (sum > target) break;
  }
  return id;
}
