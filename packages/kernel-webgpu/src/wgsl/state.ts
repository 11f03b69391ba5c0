/** Larger states do not fit the registers anyway: their code stays a loop. */
const mostUnrolled = 64;

/**
 * One channel of a scan over `stateSize` states: `loadA(at)` from the buffer `small`, `loadState(at)` and `storeState(at)`
 * with the buffer `state`, and what advances the state by `h = exp(dt * A) * h + input * B[n]`: `step(dt, input, b, c)`, which
 * returns the sum of `C[n] * h`, or, without outputs, `advance(dt, input, b)`. B and C are the buffers of these names. The
 * state is 0 until it is loaded.
 */
export function stateOf(stateSize: number, outputs = true): string {
  const unrolled = stateSize <= mostUnrolled;
  const each = (line: (n: string, index: string) => string): string =>
    unrolled
      ? Array.from({ length: stateSize }, (_, n) => `  ${line(`_${n}`, `${n}u`)}`).join("\n")
      : `  for (var n = 0u; n < stateSize; n++) { ${line("[n]", "n")} }`;
  const variables = unrolled
    ? Array.from({ length: stateSize }, (_, n) => `var<private> h_${n}: f32; var<private> A_${n}: f32;`)
    : ["var<private> h: array<f32, stateSize>; var<private> A: array<f32, stateSize>;"];
  const next = (n: string, i: string) => `h${n} = exp(dt * A${n}) * h${n} + input * B[b + ${i}];`;
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
${move}`;
}
