import { nowhere } from "../pack.ts";

/** Larger states do not fit the registers anyway: their code stays a loop. */
const mostUnrolled = 64;

/**
 * One channel of a scan over `stateSize` states: `loadA(at)` from the buffer `small`, `loadState(at)` and `storeState(at)`
 * with the buffer `state`, and `step(dt, input, b, c)`, which advances the state by `h = exp(dt * A) * h + input * B[n]`
 * and returns the sum of `C[n] * h`, with B and C from the buffers of these names.
 */
export function stateOf(stateSize: number): string {
  const unrolled = stateSize <= mostUnrolled;
  const each = (line: (n: string, index: string) => string): string =>
    unrolled
      ? Array.from({ length: stateSize }, (_, n) => `  ${line(`_${n}`, `${n}u`)}`).join("\n")
      : `  for (var n = 0u; n < stateSize; n++) { ${line("[n]", "n")} }`;
  const variables = unrolled
    ? Array.from({ length: stateSize }, (_, n) => `var<private> h_${n}: f32; var<private> A_${n}: f32;`)
    : ["var<private> h: array<f32, stateSize>; var<private> A: array<f32, stateSize>;"];
  return /* wgsl */ `
const nowhere = ${nowhere}u;
const stateSize = ${stateSize}u;
${variables.join("\n")}
fn loadA(at: u32) {
${each((n, i) => `A${n} = small[at + ${i}];`)}
}
fn loadState(at: u32) {
${each((n, i) => `h${n} = state[at + ${i}];`)}
}
fn storeState(at: u32) {
${each((n, i) => `state[at + ${i}] = h${n};`)}
}
fn step(dt: f32, input: f32, b: u32, c: u32) -> f32 {
  var sum = 0.0;
${each((n, i) => `h${n} = exp(dt * A${n}) * h${n} + input * B[b + ${i}]; sum += C[c + ${i}] * h${n};`)}
  return sum;
}`;
}
