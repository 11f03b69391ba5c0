import { sequenceFunctions } from "../wgsl/sequences.ts";

/**
 * WGSL for the inputs of a convolution, with the functions of `sequenceFunctions`; its buffers are `x`, `initial` and `index`.
 * - `input(b, d, start, rank)`: the input at a rank, which may be negative, of the sequence that starts at rank `start`. Inputs
 *   before the first sequence are those of the initial state, and 0 before another sequence.
 * - `lastStart(b)`: the rank at which the last sequence of row b starts
 */
export function convInput(sequences: boolean): string {
  return /* wgsl */ `
${sequenceFunctions(sequences ? "index[i]" : undefined)}
fn input(b: u32, d: u32, start: u32, rank: i32) -> f32 {
  if (rank >= i32(start)) { return x[p.x_at + rowAt(b, u32(rank)) * p.x_stride + d]; }
  if (start > 0u || p.initial_stride == 0u) { return 0.0; }
  let past = p.width - 1u;
  return initial[(b * p.channels + d) * past + u32(i32(past) + rank)];
}
${lastStart}`;
}

export const lastStart = /* wgsl */ `
fn lastStart(b: u32) -> u32 {
  let count = realCount(b);
  if (count == 0u) { return 0u; }
  return startOf(b, count - 1u);
}`;
