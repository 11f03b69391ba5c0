import { isNan, sigmoid } from "./math.ts";

// 2 sqrt(2 / pi) (x + 0.044715 x³), so that 1 + tanh(half of it) is 2 sigmoid of it: no digits are lost at negative x.
const inner = "1.5957691 * x * (1.0 + 0.044715 * x * x)";

/**
 * WGSL of the gate g(x) of gelu(x) = x g(x): the normal distribution function or its approximation with tanh. `gate(x)`, and
 * `gateSlope(x)`, which is x g'(x) and wants |x| <= 30; neither is NaN for NaN on every driver.
 *
 * The distribution function is exp(-x² / 2) times a polynomial of t = 1 / (1 + 0.26 |x|) for negative x, with a relative error of
 * 2.5e-8 besides the rounding, and 1 minus that for positive x.
 */
export const geluGates = {
  none: /* wgsl */ `
fn gate(x: f32) -> f32 {
  let z = min(abs(x), 30.0);
  let t = 1.0 / (1.0 + 0.26 * z);
  let tail = exp(-0.5 * z * z) * t * (0.10375906 + t * (0.103016756 + t * (0.103030212 + t * (0.0510278624 + t *
    (0.160947382 + t * (-0.150948197 + t * (0.251490542 + t * (-0.152828423 + t * 0.0305047942))))))));
  return select(1.0 - tail, tail, x < 0.0);
}
fn gateSlope(x: f32) -> f32 { return 0.3989423 * x * exp(-0.5 * x * x); }`,
  tanh: /* wgsl */ `
${sigmoid}
fn gate(x: f32) -> f32 { return sigmoid(${inner}); }
fn gateSlope(x: f32) -> f32 {
  let u = ${inner};
  return 1.5957691 * x * (1.0 + 0.134145 * x * x) * sigmoid(u) * sigmoid(-u);
}`,
} as const;

/** WGSL `geluDerivative(x)` = g(x) + x g'(x), with the functions of a gate. NaN for NaN. */
export const geluDerivative = /* wgsl */ `
${isNan}
fn geluDerivative(x: f32) -> f32 { return select(gate(x) + gateSlope(clamp(x, -30.0, 30.0)), x, isNan(x)); }`;
