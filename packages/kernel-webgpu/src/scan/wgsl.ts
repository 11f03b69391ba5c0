// WGSL and constants for the shaders of the scan. Their buffer `packed` holds A, D, deltaBias and range.

import { absentOffset } from "../memory/packs.ts";
import { softplus } from "../wgsl/math.ts";

/**
 * Positions from one kept state to the next, and per chunk of the backward: few enough that the backward holds a chunk in
 * registers. The kept states take 1/16 of the memory of all states.
 */
export const stateInterval = 16;

/** The number of intervals in a sequence. */
export function intervalCount(length: number): number {
  return Math.ceil(length / stateInterval);
}

/** WGSL `rangeOf(b)`: start and end of the range of row b; [0, p.length) without ranges. */
export const rangeOf = /* wgsl */ `
const absent = ${absentOffset}u;
fn rangeOf(b: u32) -> vec2<u32> {
  if (p.range_at == absent) { return vec2<u32>(0u, p.length); }
  let start = clamp(bitcast<i32>(packed[p.range_at + 2u * b]), 0, i32(p.length));
  let end = clamp(bitcast<i32>(packed[p.range_at + 2u * b + 1u]), start, i32(p.length));
  return vec2<u32>(u32(start), u32(end));
}
fn isPadding(row: u32) -> bool {
  let real = rangeOf(row / p.length);
  let l = row % p.length;
  return l < real.x || l >= real.y;
}`;

/** WGSL `rawDelta(row, d)` = delta + deltaBias, and `stepSize(raw)` = its softplus if deltaSoftplus is set. Needs `rangeOf`. */
export const stepSize = /* wgsl */ `
${softplus}
fn rawDelta(row: u32, d: u32) -> f32 {
  let raw = delta[p.delta_at + row * p.delta_stride + d];
  if (p.bias_at == absent) { return raw; }
  return raw + packed[p.bias_at + d];
}
fn stepSize(raw: f32) -> f32 {
  if (p.softplus != 0u) { return softplus(raw); }
  return raw;
}`;

/** WGSL `gated(row, d)` = dy * silu(z): the gradient of the output before the gate. Needs `sigmoid`. */
export const gated = /* wgsl */ `
fn gated(row: u32, d: u32) -> f32 {
  let gradient = dy[p.dy_at + row * p.dy_stride + d];
  if (p.z_stride == 0u) { return gradient; }
  let gate = z[p.z_at + row * p.z_stride + d];
  return gradient * (gate * sigmoid(gate));
}`;
