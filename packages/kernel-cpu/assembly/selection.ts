import { isNaNs } from "./rowLargest.ts";

// Selection among logits without sorting.

/** Radix digits of 11, 11 and 10 bits. */
export const BUCKETS: i32 = 2048;
/** Logits per chunk. */
const CHUNK: i32 = 64;

@inline
export function chunksOf(count: i32): i32 {
  return (count + CHUNK - 1) / CHUNK;
}

/** Bits that sort like the number they stand for; 0 and -0 have the same. */
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
 * Returns the logit at which the sum of the weights, from the largest logit down, reaches `target`. Without `weights` (0), for
 * top-k, each logit weighs 1. NaN is ignored. When the sum of all weights is less than `target`, returns the smallest logit.
 */
export function cutOf(logits: usize, weights: usize, count: i32, target: f64, histogram: usize): f32 {
  let prefix: u32 = 0;
  let before: f64 = 0;
  let shift: u32 = 21;
  for (let digit = 0; digit < 3; digit++) {
    const bits: u32 = digit == 2 ? 10 : 11;
    memory.fill(histogram, 0, BUCKETS << 3);
    for (let v = 0; v < count; v++) {
      const x = load<f32>(logits + (<usize>v << 2));
      const key = keyOf(x);
      if (x != x || (digit != 0 && (key ^ prefix) >> (shift + bits))) continue;
      const bucket = histogram + (<usize>((key >> shift) & ((1 << bits) - 1)) << 3);
      store<f64>(bucket, load<f64>(bucket) + (weights ? load<f64>(weights + (<usize>v << 3)) : 1.0));
    }
    let chosen: i32 = 0;
    let reached = before;
    for (let bucket = (1 << bits) - 1; bucket >= 0; bucket--) {
      const mass = load<f64>(histogram + (<usize>bucket << 3));
      if (mass == 0) continue;
      chosen = bucket;
      before = reached;
      reached += mass;
      if (reached >= target) break;
    }
    prefix |= <u32>chosen << shift;
    shift -= digit == 0 ? 11 : 10;
  }
  return logitOf(prefix);
}

/** Writes the largest number of each chunk, -inf when it has none. Returns the largest of all, NaN when there is a NaN. */
export function chunkMaxima(row: usize, size: i32, maxima: usize): f32 {
  let largest: f32 = -Infinity;
  let bad = i32x4.splat(0);
  for (let v = 0; v < size; v += CHUNK) {
    const at = row + (<usize>v << 2);
    // pmax(a, b) is a unless b is larger: a NaN in b is ignored.
    let most = f32x4.splat(-Infinity);
    if (v + CHUNK <= size) {
      let second = most;
      for (let i = 0; i < CHUNK; i += 8) {
        const x = v128.load(at + (<usize>i << 2));
        const y = v128.load(at + (<usize>i << 2), 16);
        most = f32x4.pmax(most, x);
        second = f32x4.pmax(second, y);
        bad = v128.or(bad, v128.or(isNaNs(x), isNaNs(y)));
      }
      most = f32x4.pmax(most, second);
    } else {
      for (let i = 0; i < size - v; i++) {
        const x = v128.load32_splat(at + (<usize>i << 2));
        most = f32x4.pmax(most, x);
        bad = v128.or(bad, isNaNs(x));
      }
    }
    most = f32x4.pmax(most, v128.shuffle<f32>(most, most, 2, 3, 0, 1));
    most = f32x4.pmax(most, v128.shuffle<f32>(most, most, 1, 0, 3, 2));
    const chunkMost = f32x4.extract_lane(most, 0);
    store<f32>(maxima + (<usize>(v / CHUNK) << 2), chunkMost);
    largest = max(largest, chunkMost);
  }
  return v128.any_true(bad) ? NaN : largest;
}

/**
 * Returns the k-th largest of the `size` numbers of a row without NaN, k <= size.
 *
 * @param maxima as `chunkMaxima` writes them
 * @param candidates room for `size` numbers
 */
export function kthLargest(
  row: usize,
  size: i32,
  k: i32,
  maxima: usize,
  candidates: usize,
  histogram: usize,
): f32 {
  const chunks = chunksOf(size);
  // At least k numbers reach the k-th largest of the maxima.
  const reached = k <= chunks ? cutOf(maxima, 0, chunks, k, histogram) : -Infinity;
  const found = logitsFrom(row, size, reached, candidates);
  return cutOf(candidates, 0, found, k, histogram);
}

/** Writes the logits that are at least `floor` to `to`. Returns their number. */
export function logitsFrom(row: usize, size: i32, floor: f32, to: usize): i32 {
  let count = 0;
  let v = 0;
  while (v < size) {
    const at = row + (<usize>v << 2);
    if (v + 4 <= size && !v128.any_true(f32x4.ge(v128.load(at), f32x4.splat(floor)))) {
      v += 4;
      continue;
    }
    for (const last = min(v + 4, size); v < last; v++) {
      const x = load<f32>(row + (<usize>v << 2));
      store<f32>(to + (<usize>count << 2), x);
      count += <i32>(x >= floor);
    }
  }
  return count;
}
