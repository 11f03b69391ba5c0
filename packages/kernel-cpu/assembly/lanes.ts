// Loads, stores and sums of four f32 lanes. A remainder of one to three numbers goes through the same instructions, so that
// a value never depends on its position in the row.

/** a * b + c: fused when the build has relaxed SIMD, otherwise with two roundings. */
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** The first `count` (1 to 3) numbers at `at`, then zeros. Reads nothing beyond them. */
export function loadPartial(at: usize, count: i32): v128 {
  if (count == 1) return v128.load32_zero(at);
  const pair = v128.load64_zero(at);
  return count == 2 ? pair : f32x4.replace_lane(pair, 2, load<f32>(at, 8));
}

/** Stores the first `count` (1 to 3) lanes. Writes nothing beyond them. */
@inline
export function storePartial(at: usize, value: v128, count: i32): void {
  store<f32>(at, f32x4.extract_lane(value, 0));
  if (count > 1) store<f32>(at, f32x4.extract_lane(value, 1), 4);
  if (count > 2) store<f32>(at, f32x4.extract_lane(value, 2), 8);
}

/** Loads four numbers at `at`, or the first `count` when that is less than 4. */
@inline
export function loadLanes(at: usize, count: i32): v128 {
  return count >= 4 ? v128.load(at) : loadPartial(at, count);
}

@inline
export function storeLanes(at: usize, value: v128, count: i32): void {
  if (count >= 4) v128.store(at, value);
  else storePartial(at, value, count);
}

/** Loads four numbers `stride` bytes apart, of which the first `count` exist: a column of a [channels, n] matrix. */
@inline
export function gatherLanes(at: usize, stride: usize, count: i32): v128 {
  let lanes = v128.load32_zero(at);
  if (count > 1) lanes = f32x4.replace_lane(lanes, 1, load<f32>(at + stride));
  if (count > 2) lanes = f32x4.replace_lane(lanes, 2, load<f32>(at + 2 * stride));
  if (count > 3) lanes = f32x4.replace_lane(lanes, 3, load<f32>(at + 3 * stride));
  return lanes;
}

@inline
export function scatterLanes(at: usize, stride: usize, value: v128, count: i32): void {
  store<f32>(at, f32x4.extract_lane(value, 0));
  if (count > 1) store<f32>(at + stride, f32x4.extract_lane(value, 1));
  if (count > 2) store<f32>(at + 2 * stride, f32x4.extract_lane(value, 2));
  if (count > 3) store<f32>(at + 3 * stride, f32x4.extract_lane(value, 3));
}

/** (l0 + l1) + (l2 + l3) */
@inline
export function sumLanes(value: v128): f32 {
  const pairs = f32x4.add(value, v128.shuffle<f32>(value, value, 1, 0, 3, 2));
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 2);
}

/** Returns the sums of the lanes of a, b, c and d, each added as in sumLanes. */
@inline
export function sumFour(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(v128.shuffle<f32>(a, b, 0, 2, 4, 6), v128.shuffle<f32>(a, b, 1, 3, 5, 7));
  const cd = f32x4.add(v128.shuffle<f32>(c, d, 0, 2, 4, 6), v128.shuffle<f32>(c, d, 1, 3, 5, 7));
  return f32x4.add(v128.shuffle<f32>(ab, cd, 0, 2, 4, 6), v128.shuffle<f32>(ab, cd, 1, 3, 5, 7));
}

/** Stores the sums of the lanes of a, b, c and d, `apart` bytes apart, each plus its addend unless `addend` is 0. */
@inline
export function finishFour(a: v128, b: v128, c: v128, d: v128, addend: usize, y: usize, apart: usize): void {
  const sums = sumFour(a, b, c, d);
  scatterLanes(y, apart, addend ? f32x4.add(sums, gatherLanes(addend, apart, 4)) : sums, 4);
}
