// Ops over rows of logits; a unit is a row.
//
// argmax             the lowest index among the largest, a NaN counting as larger than every number
// sample             temperature, then top-k, top-p, min-p, then the first id at which the cumulative probability
//                    exceeds `uniform`; probabilities in f64. The cut of top-k and top-p is found by radix selection
//                    on the bits of the logits, most significant first: O(V), nothing is sorted.
// repetitionPenalty  l > 0 ? l / penalty : l * penalty, once for each distinct id

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

/** Radix digits of 11, 11 and 10 bits. */
const BUCKETS: i32 = 2048;

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

/** A histogram, then the weight of each token. */
export function sampleScratch(at: usize): i32 {
  const args = changetype<SampleArgs>(at);
  return (BUCKETS + args.vocabSize) << 3;
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

/** Bits that sort like the number they belong to; both zeros are one. */
@inline
function keyOf(x: f32): u32 {
  const bits = reinterpret<i32>(x + 0);
  return <u32>(bits ^ ((bits >> 31) | i32.MIN_VALUE));
}

@inline
function logitOf(key: u32): f32 {
  return reinterpret<f32>(<i32>key < 0 ? key ^ 0x80000000 : ~key);
}

/**
 * The key of the token at which, from the largest down, the sum of what each token weighs reaches `target`: each weighs
 * one for top-k (`weights` = 0). NaN logits take no part.
 */
function cutOf(row: usize, weights: usize, count: i32, target: f64, histogram: usize): u32 {
  let prefix: u32 = 0;
  let before: f64 = 0;
  let shift: u32 = 21;
  for (let digit = 0; digit < 3; digit++) {
    const bits: u32 = digit == 2 ? 10 : 11;
    memory.fill(histogram, 0, BUCKETS << 3);
    for (let v = 0; v < count; v++) {
      const x = load<f32>(row + (<usize>v << 2));
      const key = keyOf(x);
      if (x != x || (digit != 0 && (key ^ prefix) >> (shift + bits))) continue;
      const bucket = histogram + (<usize>((key >> shift) & ((1 << bits) - 1)) << 3);
      store<f64>(bucket, load<f64>(bucket) + (weights ? load<f64>(weights + (<usize>v << 3)) : 1.0));
    }
    let chosen: i32 = 0;
    for (let bucket = (1 << bits) - 1; bucket >= 0; bucket--) {
      const mass = load<f64>(histogram + (<usize>bucket << 3));
      if (mass == 0) continue;
      chosen = bucket;
      if (before + mass >= target) break;
      before += mass;
    }
    prefix |= <u32>chosen << shift;
    shift -= digit == 0 ? 11 : 10;
  }
  return prefix;
}

export function sampleRange(at: usize, begin: i32, end: i32, scratch: usize): void {
  const args = changetype<SampleArgs>(at);
  for (let row = begin; row < end; row++) {
    const logits = args.logits + ((<usize>row * args.stride) << 2);
    const id = sampleOf(logits, args, load<f64>(args.options + 24 + (<usize>row << 3)), scratch);
    store<i32>(args.y + (<usize>row << 2), id);
  }
}

function sampleOf(row: usize, args: SampleArgs, uniform: f64, histogram: usize): i32 {
  const count = args.vocabSize;
  const weights = histogram + (BUCKETS << 3);
  const temperature = load<f64>(args.options);
  const topP = load<f64>(args.options, 8);
  const minP = load<f64>(args.options, 16);

  let largest: f32 = -Infinity;
  let numbers = 0;
  let finite = false;
  for (let v = 0; v < count; v++) {
    const x = load<f32>(row + (<usize>v << 2));
    if (x != x) continue;
    numbers++;
    largest = max(largest, x);
    finite = finite || x - x == 0;
  }
  if (!finite) return argmaxOf(row, count);

  let floor: f32 = -Infinity;
  if (args.topK < numbers) floor = logitOf(cutOf(row, 0, count, args.topK, histogram));
  let total: f64 = 0;
  for (let v = 0; v < count; v++) {
    const x = load<f32>(row + (<usize>v << 2));
    const weight = x >= floor ? weightOf(x, largest, temperature) : 0;
    store<f64>(weights + (<usize>v << 3), weight);
    total += weight;
  }
  let least = minP;
  if (topP < 1) {
    const cut = logitOf(cutOf(row, weights, count, topP * total, histogram));
    least = max(least, weightOf(cut, largest, temperature));
  }
  if (least > 0) {
    total = 0;
    for (let v = 0; v < count; v++) {
      const weight = load<f64>(weights + (<usize>v << 3));
      if (weight >= least) total += weight;
    }
  }

  const target = uniform * total;
  let sum: f64 = 0;
  let id = 0;
  for (let v = 0; v < count; v++) {
    const weight = load<f64>(weights + (<usize>v << 3));
    if (weight == 0 || weight < least) continue;
    id = v;
    sum += weight;
    if (sum > target) break;
  }
  return id;
}

/** Probability relative to the most probable token, whose own is 1 even at infinity. */
@inline
function weightOf(x: f32, largest: f32, temperature: f64): f64 {
  return x == largest ? 1 : Math.exp((<f64>x - <f64>largest) / temperature);
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
