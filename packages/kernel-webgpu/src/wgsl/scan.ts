// What the shaders of the scan's training share. Their buffer `small` is a pack of A, D, deltaBias and range.

import { nowhere } from "../pack.ts";
import { softplus } from "./math.ts";

/**
 * Positions from one kept state to the next: few enough that a backward holds them in registers while it goes over the
 * channels of a workgroup, and the states take 1/16 of what all would.
 */
export const chunkLength = 16;

/** Chunks of a sequence. */
export function chunksOf(length: number): number {
  return Math.ceil(length / chunkLength);
}

/** `sliceOf(b)`: start and end of row b; `p.length` positions. */
export const sliceOf = /* wgsl */ `
const absent = ${nowhere}u;
fn sliceOf(b: u32) -> vec2<u32> {
  if (p.range_at == absent) { return vec2<u32>(0u, p.length); }
  let start = clamp(bitcast<i32>(small[p.range_at + 2u * b]), 0, i32(p.length));
  let end = clamp(bitcast<i32>(small[p.range_at + 2u * b + 1u]), start, i32(p.length));
  return vec2<u32>(u32(start), u32(end));
}
fn isPadding(row: u32) -> bool {
  let slice = sliceOf(row / p.length);
  let l = row % p.length;
  return l < slice.x || l >= slice.y;
}`;

/** `rawStep(row, d)` = delta + deltaBias, and `stepOf(raw)`, its softplus where that is wanted. Needs `sliceOf`. */
export const stepOf = /* wgsl */ `
${softplus}
fn rawStep(row: u32, d: u32) -> f32 {
  let raw = delta[p.delta_at + row * p.delta_stride + d];
  if (p.bias_at == absent) { return raw; }
  return raw + small[p.bias_at + d];
}
fn stepOf(raw: f32) -> f32 {
  if (p.softplus != 0u) { return softplus(raw); }
  return raw;
}`;

/** `gated(row, d)` = dy * silu(z): the gradient before the gate. Needs `sigmoid`. */
export const gated = /* wgsl */ `
fn gated(row: u32, d: u32) -> f32 {
  let gradient = dy[p.dy_at + row * p.dy_stride + d];
  if (p.z_stride == 0u) { return gradient; }
  let gate = z[p.z_at + row * p.z_stride + d];
  return gradient * (gate * sigmoid(gate));
}`;
