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

/** `siluDerivative(x)`: the derivative of x * sigmoid(x). Declares `sigmoid`. */
export const siluDerivative = /* wgsl */ `
${sigmoid}
fn siluDerivative(x: f32) -> f32 {
  let s = sigmoid(x);
  return s * (1.0 + x * (1.0 - s));
}`;

/** `decay(x)` = exp(x), and NaN for NaN. Needs `isNan`. */
export const decay = /* wgsl */ `
fn decay(x: f32) -> f32 { return select(exp(x), x, isNan(x)); }`;

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
