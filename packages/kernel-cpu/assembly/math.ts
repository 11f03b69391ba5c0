// Vector arithmetic that the ops share. All of it works on four f32 lanes, each lane on its own: a tail of one to three
// numbers goes through the same instructions, so a value never depends on where in its row it stands.

/** a * b + c: fused where the build has relaxed SIMD, two roundings elsewhere. */
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** The first `count` (1 to 3) numbers at `at`, zeros behind them. Reads nothing beyond. */
export function loadPartial(at: usize, count: i32): v128 {
  if (count == 1) return v128.load32_zero(at);
  const pair = v128.load64_zero(at);
  return count == 2 ? pair : f32x4.replace_lane(pair, 2, load<f32>(at, 8));
}

/** Stores the first `count` (1 to 3) lanes. Writes nothing beyond. */
@inline
export function storePartial(at: usize, value: v128, count: i32): void {
  store<f32>(at, f32x4.extract_lane(value, 0));
  if (count > 1) store<f32>(at, f32x4.extract_lane(value, 1), 4);
  if (count > 2) store<f32>(at, f32x4.extract_lane(value, 2), 8);
}

/** Up to four numbers at `at`: all four when `count` >= 4, else as `loadPartial`. */
@inline
export function loadLanes(at: usize, count: i32): v128 {
  return count >= 4 ? v128.load(at) : loadPartial(at, count);
}

@inline
export function storeLanes(at: usize, value: v128, count: i32): void {
  if (count >= 4) v128.store(at, value);
  else storePartial(at, value, count);
}

/** Four numbers `stride` bytes apart, of which the first `count` exist: a column of a [channels, n] matrix. */
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

/** Stores four horizontal sums, each as sumLanes has it, `apart` bytes apart, plus what `addend` has there unless 0. */
@inline
export function finishFour(a: v128, b: v128, c: v128, d: v128, addend: usize, y: usize, apart: usize): void {
  const ab = f32x4.add(v128.shuffle<f32>(a, b, 0, 2, 4, 6), v128.shuffle<f32>(a, b, 1, 3, 5, 7));
  const cd = f32x4.add(v128.shuffle<f32>(c, d, 0, 2, 4, 6), v128.shuffle<f32>(c, d, 1, 3, 5, 7));
  const sums = f32x4.add(v128.shuffle<f32>(ab, cd, 0, 2, 4, 6), v128.shuffle<f32>(ab, cd, 1, 3, 5, 7));
  scatterLanes(y, apart, addend ? f32x4.add(sums, gatherLanes(addend, apart, 4)) : sums, 4);
}

export const LOG2E: f32 = 1.44269504088896341;

/**
 * 2^x. With n = round(x) and f = x - n in [-1/2, 1/2] it is 2^(n-1) · p(f), where p is the degree-5 polynomial with
 * p(0) = 2 and the least maximal relative error to 2·2^f (9.2e-8), summed in pairs to shorten the chain.
 *
 * Measured against float64: relative error <= 2.2e-7 where the result is at least 2^-125.5. Smaller results are 0,
 * x >= 128 gives +inf, NaN gives NaN. The factor 2 in p, taken back by the exponent, is what keeps results between
 * 2^127.5 and 2^128 finite.
 */
@inline
export function exp2Lanes(x: v128): v128 {
  // pmax and pmin let a NaN through, and are one instruction each on x86.
  return exp2Tame(f32x4.pmin(f32x4.pmax(x, f32x4.splat(-126.0)), f32x4.splat(129.0)));
}

/** 2^x for -126 <= x <= 129: the same bits as exp2Lanes there, garbage elsewhere. */
@inline
export function exp2Tame(x: v128): v128 {
  // 1.5·2^23 rounds to an integer; the 126 on top leaves the biased exponent of 2^(n-1) in the low bits.
  const magic = f32x4.splat(12582912.0 + 126.0);
  const shifted = f32x4.add(x, magic);
  const f = f32x4.sub(x, f32x4.sub(shifted, magic));
  const high = madd(f, f32x4.splat(0.0026529454394942755), f32x4.splat(0.019343025279304232));
  const middle = madd(f, f32x4.splat(0.11101467486502632), f32x4.splat(0.4804448417075002));
  const low = madd(f, f32x4.splat(1.3862939551983302), f32x4.splat(2.0));
  const square = f32x4.mul(f, f);
  const p = madd(square, madd(square, high, middle), low);
  return f32x4.mul(p, i32x4.shl(shifted, 23));
}

/**
 * exp(x) = 2^(x · log2(e)), with the error of the product carried along (Cody and Waite): n = round(x · log2(e)),
 * r = x - n · ln 2 with ln 2 in two parts, the first short enough for an exact product.
 *
 * Measured against float64: relative error <= 2.1e-7 where the result is at least 2^-125.5 (x >= -86.9). Smaller
 * results are 0, x >= 88.7229 gives +inf, NaN gives NaN.
 */
@inline
export function expLanes(x: v128): v128 {
  const magic = f32x4.splat(12582912.0 + 126.0);
  const clamped = f32x4.pmin(f32x4.pmax(x, f32x4.splat(-87.3)), f32x4.splat(89.0));
  const shifted = f32x4.add(f32x4.mul(clamped, f32x4.splat(LOG2E)), magic);
  const n = f32x4.sub(shifted, magic);
  let r = madd(n, f32x4.splat(-0.693359375), clamped);
  r = madd(n, f32x4.splat(2.12194440054690583e-4), r);
  // The polynomial of exp2Lanes in r: coefficient k times log2(e)^k.
  const high = madd(r, f32x4.splat(0.016580629431142625), f32x4.splat(0.08379585859358465));
  const middle = madd(r, f32x4.splat(0.3333527238959977), f32x4.splat(0.9999829906141402));
  const low = madd(r, f32x4.splat(1.9999994143789779), f32x4.splat(2.0));
  const square = f32x4.mul(r, r);
  const p = madd(square, madd(square, high, middle), low);
  return f32x4.mul(p, i32x4.shl(shifted, 23));
}

/** 1 / (1 + exp(-x)). Measured against float64: relative error <= 2.6e-7. */
@inline
export function sigmoidLanes(x: v128): v128 {
  const one = f32x4.splat(1.0);
  return f32x4.div(one, f32x4.add(one, expLanes(f32x4.neg(x))));
}

/**
 * silu(x) = x / (1 + exp(-x)). Measured against float64: relative error <= 2.7e-7 for x >= -87; below, where the result
 * is smaller than 1e-36, it goes to -0. -inf gives NaN, as the formula does.
 */
@inline
export function siluLanes(x: v128): v128 {
  return f32x4.div(x, f32x4.add(f32x4.splat(1.0), expLanes(f32x4.neg(x))));
}

/** The derivative of silu: s · (1 + x · (1 - s)) with s = sigmoid(x). */
@inline
export function siluDerivative(x: v128): v128 {
  const s = sigmoidLanes(x);
  const one = f32x4.splat(1.0);
  return f32x4.mul(s, madd(x, f32x4.sub(one, s), one));
}

/**
 * softplus(x) = log(1 + exp(x)) = max(x, 0) + log1p(t) with t = exp(-|x|) in [0, 1], and
 * log1p(t) = 2 atanh(s) with s = t / (2 + t) in [0, 1/3], as s times a polynomial in s² (error 4.5e-9).
 *
 * Nothing cancels: for very negative x the result is exp(x) to rounding, and beyond 20 it is x itself, since the second
 * term is less than half a unit in the last place. Measured against float64: relative error <= 3.7e-7.
 */
@inline
export function softplusLanes(x: v128): v128 {
  return softplusOf(x, expLanes(f32x4.neg(f32x4.abs(x))));
}

/** softplus(x) from t = exp(-|x|) */
@inline
export function softplusOf(x: v128, t: v128): v128 {
  const s = f32x4.div(t, f32x4.add(t, f32x4.splat(2.0)));
  const w = f32x4.mul(s, s);
  let p = madd(w, f32x4.splat(0.28011986815693446), f32x4.splat(0.2800180527697265));
  p = madd(w, p, f32x4.splat(0.40021527238584365));
  p = madd(w, p, f32x4.splat(0.6666641628568039));
  p = madd(w, p, f32x4.splat(2.0));
  return madd(s, p, f32x4.pmax(x, f32x4.splat(0.0)));
}
