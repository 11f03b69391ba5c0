import { expDoubles } from "./expDoubles.ts";
import { Pointer } from "./records.ts";
import { rowArgmax } from "./rowArgmax.ts";
import { BUCKETS, chunkMaxima, chunksOf, cutOf, logitsFrom } from "./selection.ts";

// Divides the logits by the temperature, applies top-k, top-p and min-p, and chooses the first id at which the cumulative
// probability exceeds the uniform number of the row. Probabilities are f64. A unit is a row.
//
// This takes O(V) and sorts nothing. The logit at each cut is found by radix selection on the bits of the logits, most
// significant digit first, among few candidates: at least k logits reach the k-th largest of the maxima of chunks, and tokens
// that each weigh less than an equal division of 1 - top-p lie outside of the nucleus.

@unmanaged
export class SampleArgs {
  temperature!: f64;
  topP!: f64;
  minP!: f64;
  uniforms!: Pointer; // f64 [batch]
  logits!: Pointer; // f32 [batch, vocabSize]
  y!: Pointer; // i32 [batch]
  batch!: i32;
  vocabSize!: i32;
  topK!: i32;
  stride!: i32; // of logits
}

export function sampleUnits(args: SampleArgs): i32 {
  return args.batch;
}

/** Room for a histogram; the weight (f64), logit (f32) and id (i32) of each candidate; the maxima of the chunks (f32). */
export function sampleScratch(args: SampleArgs): i32 {
  return (BUCKETS << 3) + (args.vocabSize << 4) + (chunksOf(args.vocabSize) << 2);
}

export function sampleRun(args: SampleArgs, begin: i32, end: i32, scratch: usize): void {
  for (let row = begin; row < end; row++) {
    const logits = args.logits + ((<usize>row * args.stride) << 2);
    const id = sampleRow(logits, args, load<f64>(args.uniforms + (<usize>row << 3)), scratch);
    store<i32>(args.y + (<usize>row << 2), id);
  }
}

/** True when a row whose largest number is `largest` has a finite number. */
function anyFinite(row: usize, size: i32, largest: f32): bool {
  if (largest < Infinity) return largest != -Infinity;
  for (let v = 0; v < size; v++) {
    const x = load<f32>(row + (<usize>v << 2));
    if (x - x == 0) return true;
  }
  return false;
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

/** Returns the probabilities of two logits relative to the most probable token: 1 for that token, even if it is infinite. */
@inline
function weightsOf(logits: v128, largest: f32, temperature: f64): v128 {
  const wide = f64x2.promote_low_f32x4(logits);
  const most = f64x2.splat(<f64>largest);
  const weights = expDoubles(f64x2.div(f64x2.sub(wide, most), f64x2.splat(temperature)));
  return v128.bitselect(f64x2.splat(1), weights, f64x2.eq(wide, most));
}

function sampleRow(row: usize, args: SampleArgs, uniform: f64, histogram: usize): i32 {
  const size = args.vocabSize;
  const weights = histogram + (BUCKETS << 3);
  const logits = weights + (<usize>size << 3);
  const ids = logits + (<usize>size << 2);
  const maxima = ids + (<usize>size << 2);
  const temperature = args.temperature;
  const topP = args.topP;
  const minP = args.minP;

  const largest = chunkMaxima(row, size, maxima);
  if (!anyFinite(row, size, largest)) return rowArgmax(row, size);
  let floor: f32 = -Infinity;
  if (args.topK < size) {
    const chunks = chunksOf(size);
    const reached = args.topK <= chunks ? cutOf(maxima, 0, chunks, args.topK, histogram) : -Infinity;
    const found = logitsFrom(row, size, reached, logits);
    if (found >= args.topK) floor = cutOf(logits, 0, found, args.topK, histogram);
  }

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
