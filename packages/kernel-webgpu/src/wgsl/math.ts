// WGSL functions for several shaders. None overflows when its result is finite. Each returns NaN for NaN, except `sigmoid`.

/** `isNan(x)`, from the bits: a compiler may replace `x != x` with false. */
export const isNan = /* wgsl */ `
fn isNan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }`;

/**
 * `sigmoid(x)` = 1 / (1 + exp(-x)). The exp of some drivers maps NaN to a number, so a caller whose result depends on `x` here
 * alone tests `x` with `isNan`.
 */
export const sigmoid = /* wgsl */ `
fn sigmoid(x: f32) -> f32 { return 1.0 / (1.0 + exp(-x)); }`;

/**
 * `softplus(x)` = log(1 + exp(x)), computed as max(x, 0) + log1p(exp(-|x|)), which is exactly x for x > 20. For small e it
 * uses log1p(e) = 2 atanh(e / (2 + e)) as a series, which a compiler cannot simplify to log(1 + e). Declares `isNan`, because
 * the exp of some drivers maps NaN to a number.
 */
export const softplus = /* wgsl */ `
${isNan}
fn softplus(x: f32) -> f32 {
  let e = exp(-abs(x));
  let s = e / (2.0 + e);
  let q = s * s;
  let series = 2.0 * s * (1.0 + q * (1.0 / 3.0 + q * (0.2 + q * (1.0 / 7.0 + q * (1.0 / 9.0)))));
  let tail = select(log(1.0 + e), series, e < 0.5);
  return select(select(tail, x + tail, x > 0.0), x, isNan(x));
}`;

/**
 * `siluDerivative(x)`: the derivative s * (1 + x * (1 - s)) of x * sigmoid(x). 1 - s is computed as sigmoid(-x), because a
 * product with a large x would multiply the rounding error of a difference. Declares `sigmoid`.
 */
export const siluDerivative = /* wgsl */ `
${sigmoid}
fn siluDerivative(x: f32) -> f32 {
  let e = exp(-abs(x));
  let larger = 1.0 / (1.0 + e);
  let smaller = e * larger;
  let negative = x < 0.0;
  return select(larger, smaller, negative) * (1.0 + x * select(smaller, larger, negative));
}`;

/**
 * `exponential(x)` = exp(x), correctly rounded but for a few in a thousand where |x| < 1/16. WGSL allows the built-in exp an error
 * of three units in the last place, and near 0 that of some drivers has one sign: a state that decays slowly would be off by
 * 3.6e-4 after 40,000 positions. There it is a series, whose terms are added from the smallest (error of the terms left out: 8e-9).
 */
export const exponential = /* wgsl */ `
fn exponential(x: f32) -> f32 {
  let series = 1.0 + x * (1.0 + x * (0.5 + x * (0.16666667 + x * 0.041666668)));
  return select(exp(x), series, abs(x) < 0.0625);
}`;

/** `decay(x)` = exp(x), and NaN for NaN. Declares `exponential`; needs `isNan`. */
export const decay = /* wgsl */ `
${exponential}
fn decay(x: f32) -> f32 { return select(exponential(x), x, isNan(x)); }`;

/**
 * `log1p(x)` = log(1 + x) for x >= 0. For small x it is 2 atanh(x / (2 + x)) as a series, which a compiler cannot simplify to
 * log(1 + x).
 */
export const log1p = /* wgsl */ `
fn log1p(x: f32) -> f32 {
  let s = x / (2.0 + x);
  let q = s * s;
  let series = 2.0 * s * (1.0 + q * (1.0 / 3.0 + q * (0.2 + q * (1.0 / 7.0 + q * (1.0 / 9.0)))));
  return select(log(1.0 + x), series, x < 0.5);
}`;

/** `nan()`. WGSL refuses a constant NaN, so its bits are in a variable. */
export const nan = /* wgsl */ `
fn nan() -> f32 { var bits = 0x7fc00000u; return bitcast<f32>(bits); }`;

/**
 * `logarithm(x)` = ln(x), to two units in the last place at any x, subnormal numbers included: WGSL allows the built-in log an
 * absolute error of 2^-21 around 1. With x = 2^k m and m from sqrt(1/2) to sqrt(2), it is k ln(2) + ln(m). Declares `nan`.
 */
export const logarithm = /* wgsl */ `
${nan}
fn logarithm(x: f32) -> f32 {
  var bits = bitcast<u32>(x);
  if ((bits & 0x7fffffffu) == 0u) { return bitcast<f32>(bits | 0xff800000u); }
  if (bits >= 0x7f800000u) { return select(nan(), x, bits == 0x7f800000u); }
  var shift = 0u;
  if (bits < 0x00800000u) { shift = countLeadingZeros(bits) - 8u; bits <<= shift; }
  let k = (i32(bits) - 0x3f3504f3) >> 23u;
  let f = bitcast<f32>(i32(bits) - (k << 23u)) - 1.0;
  let s = f / (2.0 + f);
  let q = s * s;
  let series = 2.0 * s * (1.0 + q * (1.0 / 3.0 + q * (0.2 + q * (1.0 / 7.0 + q * (1.0 / 9.0)))));
  let n = f32(k - i32(shift));
  return n * 0.693359375 + (series - n * 2.1219444e-4);
}`;

/**
 * `hyperbolicTangent(x)` = tanh(x). Below 0.625 it is an odd polynomial (Moshier, Cephes, tanhf), which loses no digits near 0; above, it
 * is 1 - 2 / (exp(2 |x|) + 1), whose argument is limited because the result is 1 in f32 from 9.1 on. Declares `isNan`.
 */
export const hyperbolicTangent = /* wgsl */ `
${isNan}
fn hyperbolicTangent(x: f32) -> f32 {
  let size = min(abs(x), 10.0);
  let q = size * size;
  let series = q * (-0.33333282 + q * (0.13331442 + q * (-0.053739715 + q * (0.020639079 + q * -0.005704987))));
  let far = 1.0 - 2.0 / (exp(2.0 * size) + 1.0);
  return select(select(select(far, -far, x < 0.0), x + x * series, size < 0.625), x, isNan(x));
}`;
