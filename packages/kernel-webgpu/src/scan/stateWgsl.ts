import { exponential } from "../wgsl/math.ts";

/** Larger states do not fit in registers: their code is a loop over arrays. */
const maxUnrolled = 64;

/**
 * WGSL for one channel of a scan with `stateSize` state numbers. `loadA(at)` reads A from the buffer `packed`; `loadState(at)`
 * and `storeState(at)` use the buffer `state`; `clearState()` sets the state to 0. `step(dt, input, b, c)` computes `h = exp(dt * A) * h + input * B[n]` and returns
 * the sum of `C[n] * h`; without outputs it is `advance(dt, input, b)`. b and c are offsets in the buffers B and C. The state
 * is 0 until it is loaded.
 */
export function stateOf(stateSize: number, outputs = true): string {
  const unrolled = stateSize <= maxUnrolled;
  const each = (line: (n: string, index: string) => string): string =>
    unrolled
      ? Array.from({ length: stateSize }, (_, n) => `  ${line(`_${n}`, `${n}u`)}`).join("\n")
      : `  for (var n = 0u; n < stateSize; n++) { ${line("[n]", "n")} }`;
  const variables = unrolled
    ? Array.from({ length: stateSize }, (_, n) => `var<private> h_${n}: f32; var<private> A_${n}: f32;`)
    : ["var<private> h: array<f32, stateSize>; var<private> A: array<f32, stateSize>;"];
  const next = (n: string, i: string) => `h${n} = exponential(dt * A${n}) * h${n} + input * B[b + ${i}];`;
  const move = outputs
    ? /* wgsl */ `
fn step(dt: f32, input: f32, b: u32, c: u32) -> f32 {
  var sum = 0.0;
${each((n, i) => `${next(n, i)} sum += C[c + ${i}] * h${n};`)}
  return sum;
}`
    : /* wgsl */ `
fn advance(dt: f32, input: f32, b: u32) {
${each(next)}
}`;
  return /* wgsl */ `
${exponential}
const stateSize = ${stateSize}u;
${variables.join("\n")}
fn loadA(at: u32) {
${each((n, i) => `A${n} = packed[at + ${i}];`)}
}
fn loadState(at: u32) {
${each((n, i) => `h${n} = state[at + ${i}];`)}
}
fn clearState() {
${each((n) => `h${n} = 0.0;`)}
}
fn storeState(at: u32) {
${each((n, i) => `state[at + ${i}] = h${n};`)}
}
${move}`;
}
