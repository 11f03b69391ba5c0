// WGSL and constants for the shaders of the scan. Their buffer `packed` holds A, D, deltaBias and the index of the sequences.
// Positions are ranks in all of them: see `sequenceFunctions`.

import { absentOffset } from "../memory/packs.ts";
import { softplus } from "../wgsl/math.ts";
import { sequenceFunctions } from "../wgsl/sequences.ts";

/**
 * Positions from one kept state to the next, and per chunk of the backward: few enough that the backward holds a chunk in
 * registers. The kept states take 1/16 of the memory of all states.
 */
export const stateInterval = 16;

/** The number of intervals in a sequence. */
export function intervalCount(length: number): number {
  return Math.ceil(length / stateInterval);
}

/**
 * WGSL of `sequenceFunctions` for shaders whose buffer `packed` holds the index, and the constant `absent`: the offset of an
 * absent tensor in `packed`.
 */
export function scanSequences(sequences: boolean): string {
  return /* wgsl */ `
const absent = ${absentOffset}u;
${sequenceFunctions(sequences ? "bitcast<u32>(packed[p.index_at + i])" : undefined)}`;
}

/** The name of a shader that exists with and without packed sequences. */
export function scanShaderName(name: string, sequences: boolean): string {
  return sequences ? `${name} sequences` : name;
}

/** WGSL `rawDelta(row, d)` = delta + deltaBias, and `stepSize(raw)` = its softplus if deltaSoftplus is set. Needs `absent`. */
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
