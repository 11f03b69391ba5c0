// Ops over rows of logits; a unit is a row.
//
// argmax             the lowest index among the largest, a NaN counting as larger than every number
// sample             temperature, then top-k, top-p, min-p, then the first id at which the cumulative probability
//                    exceeds `uniform`; probabilities in f64
// repetitionPenalty  l > 0 ? l / penalty : l * penalty, once for each distinct id
//
// Sampling is O(V) and sorts nothing. Cuts are found by radix selection on the bits of the logits, most significant
// digit first, over few candidates: at least k logits reach the k-th largest of the maxima of blocks, and tokens that
// all weigh less than their share of 1 - top-p lie outside of the nucleus.

import { expDoubles } from "./exp64";
import { blockMaxima, blocksOf, BUCKETS, cutOf, logitsFrom } from "./select";

@unmanaged
export class SampleArgs {
  /*  0 */ logits!: usize; // f32 [batch, vocabSize]
  /*  1 */ y!: usize; // i32 [batch]
  /*  2 */ batch!: i32;
  /*  3 */ vocabSize!: i32;
  /*  4 */ stride!: i32;
  /*  5 */ options!: usize; // f64: temperature, topP, minP, then a uniform for each row; sample only
  /*  6 */ topK!: i32; // sample only
}

@unmanaged
export class PenaltyArgs {
  /*  0 */ logits!: usize; // f32 [batch, vocabSize]
  /*  1 */ ids!: usize; // i32 [batch, idCount]
  /*  2 */ y!: usize; // f32 [batch, vocabSize]
  /*  3 */ batch!: i32;
  /*  4 */ vocabSize!: i32;
  /*  5 */ idCount!: i32;
  /*  6 */ stride!: i32;
  /*  7 */ penalty!: f32;
}

export function argmaxUnits(at: usize): i32 {
  const args = changetype<SampleArgs>(at);
  return args.batch;
}

export function sampleUnits(at: usize): i32 {
  const args = changetype<SampleArgs>(at);
  return args.batch;
}

export function penaltyUnits(at: usize): i32 {
  const args = changetype<PenaltyArgs>(at);
  return args.batch;
}

/** A histogram; the weight (f64), logit (f32) and id (i32) of each candidate; the maxima of the blocks (f32). */
export function sampleScratch(at: usize): i32 {
  const args = changetype<SampleArgs>(at);
  return (BUCKETS << 3) + (args.vocabSize << 4) + (blocksOf(args.vocabSize) << 2);
}

export function argmaxRange(at: usize, begin: i32, end: i32): void {
  const args = changetype<SampleArgs>(at);
  for (let row = begin; row < end; row++) {
    const logits = args.logits + ((<usize>row * args.stride) << 2);
    store<i32>(args.y + (<usize>row << 2), argmaxOf(logits, args.vocabSize));
  }
}

function argmaxOf(row: usize, count: i32): i32 {
  const end = row + (<usize>count << 2);
  const wide = row + ((<usize>count << 2) & ~63);
  let m0 = v128.load32_splat(row);
  let m1 = m0;
  let m2 = m0;
  let m3 = m0;
  // max lets a NaN through from either side
  for (let at = row; at < wide; at += 64) {
    m0 = f32x4.max(m0, v128.load(at));
    m1 = f32x4.max(m1, v128.load(at, 16));
    m2 = f32x4.max(m2, v128.load(at, 32));
    m3 = f32x4.max(m3, v128.load(at, 48));
  }
  for (let at = wide; at < end; at += 4) m0 = f32x4.max(m0, v128.load32_splat(at));
  let most = f32x4.max(f32x4.max(m0, m1), f32x4.max(m2, m3));
  most = f32x4.max(most, v128.shuffle<f32>(most, most, 2, 3, 0, 1));
  most = f32x4.max(most, v128.shuffle<f32>(most, most, 1, 0, 3, 2));

  let at = row;
  const largest = f32x4.extract_lane(most, 0);
  if (largest != largest) {
    while (load<f32>(at) == load<f32>(at)) at += 4;
  } else {
    while (at < wide && !v128.any_true(hits(at, most))) at += 64;
    while (load<f32>(at) != largest) at += 4;
  }
  return <i32>((at - row) >> 2);
}

/** Where any of 16 numbers equals `wanted`. */
@inline
function hits(at: usize, wanted: v128): v128 {
  const first = v128.or(f32x4.eq(v128.load(at), wanted), f32x4.eq(v128.load(at, 16), wanted));
  const second = v128.or(f32x4.eq(v128.load(at, 32), wanted), f32x4.eq(v128.load(at, 48), wanted));
  return v128.or(first, second);
}

export function sampleRange(at: usize, begin: i32, end: i32, scratch: usize): void {
  const args = changetype<SampleArgs>(at);
  for (let row = begin; row < end; row++) {
    const logits = args.logits + ((<usize>row * args.stride) << 2);
    const id = sampleOf(logits, args, load<f64>(args.options + 24 + (<usize>row << 3)), scratch);
    store<i32>(args.y + (<usize>row << 2), id);
  }
}

/** Whether a row whose largest number is `largest` has a finite one. */
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

/** The last logit of an odd row, with a NaN beside it. */
@inline
function oneLogit(at: usize): v128 {
  return f32x4.replace_lane(f32x4.splat(NaN), 0, load<f32>(at));
}

/** Probabilities of two logits relative to the most probable token, whose own is 1 even at infinity. */
@inline
function weightsOf(logits: v128, largest: f32, temperature: f64): v128 {
  const wide = f64x2.promote_low_f32x4(logits);
  const most = f64x2.splat(<f64>largest);
  const weights = expDoubles(f64x2.div(f64x2.sub(wide, most), f64x2.splat(temperature)));
  return v128.bitselect(f64x2.splat(1), weights, f64x2.eq(wide, most));
}

function sampleOf(row: usize, args: SampleArgs, uniform: f64, histogram: usize): i32 {
  const size = args.vocabSize;
  const weights = histogram + (BUCKETS << 3);
  const logits = weights + (<usize>size << 3);
  const ids = logits + (<usize>size << 2);
  const maxima = ids + (<usize>size << 2);
  const temperature = load<f64>(args.options);
  const topP = load<f64>(args.options, 8);
  const minP = load<f64>(args.options, 16);

  const largest = blockMaxima(row, size, maxima);
  if (!anyFinite(row, size, largest)) return argmaxOf(row, size);
  let floor: f32 = -Infinity;
  if (args.topK < size) {
    const blocks = blocksOf(size);
    const reached = args.topK <= blocks ? cutOf(maxima, 0, blocks, args.topK, histogram) : -Infinity;
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
    // Both are written; one without weight is overwritten by the next.
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
    // The margin covers rounding: a candidate too many changes nothing.
    const share = ((1 - topP) * total * 0.999999) / <f64>count;
    count = compact(weights, logits, ids, count, max(share, minP));
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
export function repetitionPenaltyRange(at: usize, begin: i32, end: i32): void {
  const args = changetype<PenaltyArgs>(at);
  const bytes = <usize>args.vocabSize << 2;
  for (let row = begin; row < end; row++) {
    const logits = args.logits + ((<usize>row * args.stride) << 2);
    const y = args.y + <usize>row * bytes;
    memory.copy(y, logits, bytes);
    for (let k = 0; k < args.idCount; k++) {
      const id = load<i32>(args.ids + ((<usize>row * args.idCount + k) << 2));
      if (<u32>id >= <u32>args.vocabSize) continue;
      // from the input, not from y: an id that comes twice is penalised once
      const logit = load<f32>(logits + (<usize>id << 2));
      store<f32>(y + (<usize>id << 2), logit > 0 ? logit / args.penalty : logit * args.penalty);
    }
  }
}
